"""Requests at fixed rates against a real site, for a few seconds: what is asked is answered as expected."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from deploy.local.folders import CHECKOUT
from loadtests.compare import children
from loadtests.compare.attendant import Attendant

if TYPE_CHECKING:
    from tests.stack import RunningStack


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def pools(demo_stack, tmp_path_factory):
    file = tmp_path_factory.mktemp("pools") / "pools.json"
    site = ("--host", demo_stack.gateway_url)
    gathered = run("loadtests.pools", *site, "--people", "8", "--seed", "9", "--out", str(file))
    assert gathered.returncode == 0, gathered.stderr[-2000:]
    return file


def get(stack: RunningStack, path: str, by: dict[str, Any]) -> Any:
    asked = urllib.request.Request(
        stack.gateway_url + path, headers={"Authorization": f"Bearer {by['access_token']}"}
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)


def bookings(stack: RunningStack, by: dict[str, Any], status: str) -> list[Any]:
    return get(stack, f"/api/bookings?status={status}", by)["items"]


class Measure(Protocol):
    """Answers the result, and the lines of stdout."""

    def __call__(self, command: str, *arguments: str) -> tuple[Any, list[str]]: ...


@pytest.fixture
def measure(demo_stack, pools, tmp_path) -> Measure:
    def measure(command: str, *arguments: str) -> tuple[Any, list[str]]:
        out = tmp_path / "out.json"
        site = ("--host", demo_stack.gateway_url, "--pools", str(pools), "--out", str(out))
        ended = run("loadtests.openloop", command, *site, *arguments)
        assert ended.returncode == 0, ended.stderr[-2000:]
        for line in ended.stderr.splitlines():
            assert json.loads(line).keys() in ({"done", "of"}, {"note"})
        return json.loads(out.read_text(encoding="utf-8")), ended.stdout.splitlines()

    return measure


@pytest.fixture(scope="module")
def attendant(demo_stack):
    with closing(Attendant("--host", demo_stack.gateway_url)) as attendant:
        yield attendant


class Obey(Protocol):
    def __call__(self, **order: Any) -> Any: ...


@pytest.fixture
def obey(attendant, pools) -> Obey:
    """What came of an order for half a second."""

    def obey(**order: Any) -> Any:
        window = {"side": "legacy", "pools": str(pools), "seconds": 0.5, "warm_s": 0.1, "seed": 1}
        return attendant.obey(window | order, within_s=120)

    return obey


@pytest.mark.parametrize(
    "route",
    [
        "GET /api/search",
        "GET /bookings",
        "GET /operator/trips/{id}",
        "POST /api/bookings",
        "POST /api/check-ins",
        "POST /api/qr/verify",
    ],
)
def test_a_route_is_asked_so_often_and_answered_right_each_time(obey, route):
    for _ in range(2):
        told = time.time()
        found = obey(do="route", route=route, rate_per_s=20)
        assert (found["route"], found["asked"], found["failed"], found["failures"]) == (route, 10, 0, [])
        assert len(found["ms"]) == 10
        assert found["ms"] == sorted(found["ms"])
        assert told + 0.1 <= found["began"] < found["ended"] <= time.time()
        assert found["ended"] >= told + 0.1 + 0.5  # a busy machine may see late that it began


def test_a_route_as_a_command_says_when_it_measures(measure):
    found, said = measure(
        "route", "--route", "GET /api/search", "--rate", "10", "--seconds", "0.5", "--warm", "0.2"
    )
    assert (found["asked"], found["failed"]) == (5, 0)
    assert said == ["measuring", "measured"]


@pytest.mark.parametrize("what", ["search", "booking"])
def test_a_site_that_is_full_answers_right_and_gives_back_what_it_sold(demo_stack, pools, obey, what):
    passengers = json.loads(pools.read_text(encoding="utf-8"))["passengers"]
    before = {booking["id"] for one in passengers for booking in bookings(demo_stack, one, "held")}
    found = obey(do="saturation", what=what, connections=4, warm_s=0, made=20)
    assert (found["what"], found["failed"], found["failures"]) == (what, 0, [])
    assert found["answers_per_s"] > 0
    assert before >= {booking["id"] for one in passengers for booking in bookings(demo_stack, one, "held")}


def test_what_cannot_be_asked_leaves_the_next_order_be(obey):
    with pytest.raises(children.Failed, match="free seats: 600000 are wanted"):
        obey(do="route", route="POST /api/payments", rate_per_s=1e6)
    with pytest.raises(children.NotOffered, match="GET /nothing"):
        obey(do="route", route="GET /nothing", rate_per_s=1)
    assert obey(do="step", what="verify", rate_per_s=20)["failed"] == 0


def test_journeys_end_with_a_confirmed_ticket(measure):
    found, said = measure("journey", "--rate", "3", "--seconds", "1", "--warm", "0")
    assert (found["journeys"], found["failed"], found["failures"]) == (3, 0, [])
    assert len(found["ms"]) == 3
    assert found["requests"] >= 3 * 8
    assert said == ["measuring", "measured"]


def test_steps_give_back_what_they_held_and_say_how_fast_each_was(demo_stack, pools, measure):
    passengers = json.loads(pools.read_text(encoding="utf-8"))["passengers"]

    def held() -> set[str]:
        return {booking["id"] for one in passengers for booking in bookings(demo_stack, one, "held")}

    before = held()  # others left theirs alone; those may end meanwhile
    steps, said = measure(
        "steps", "--what", "booking", "--rates", "12,14", "--seconds", "0.5", "--warm", "0.1", "--json"
    )
    assert {step["failed"] for step in steps} == {0}
    has_held_the_first = any(step["rate_per_s"] == 12 and not step["is_past_knee"] for step in steps)
    assert {step["rate_per_s"] for step in steps} == ({12, 14} if has_held_the_first else {12})
    assert steps[0].keys() >= {"p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms", "is_past_knee", "began"}
    assert json.loads(said[-1]) == steps
    assert said[:-1] == ["measuring", "measured"] * len(steps)
    assert any(bookings(demo_stack, one, "cancelled") for one in passengers)
    assert held() <= before


def test_what_a_window_changes_is_put_back(demo_stack, pools, obey):
    known = json.loads(pools.read_text(encoding="utf-8"))
    people = known["passengers"]
    trips = [
        (by, trip)
        for by in known["operators"]
        for trip in known["trips"]
        if trip["company_id"] == by["company_id"]
    ]

    def all_of_it() -> list[Any]:
        # as they are dialled: the demo writes a blank that the API takes out
        phones = [get(demo_stack, "/api/users/me", one)["phone"].replace(" ", "") for one in people]
        return phones + [
            get(demo_stack, f"/api/trips/{trip['trip_id']}", by)["delay_min"] for by, trip in trips
        ]

    before = all_of_it()
    for route in ("PATCH /api/users/me", "PATCH /api/trips/{id}"):
        found = obey(do="route", route=route, rate_per_s=40, warm_s=0)
        assert (found["asked"], found["failures"]) == (20, [])
    assert all_of_it() == before


def test_an_answer_that_is_not_the_expected_one_is_told(pools, obey, tmp_path):
    known = json.loads(pools.read_text(encoding="utf-8"))
    for ticket in known["boarding"]:
        ticket["token"] = ticket["token"][:-3] + "AAA"
    pools_of_forged = tmp_path / "forged.json"
    pools_of_forged.write_text(json.dumps(known), encoding="utf-8")
    found = obey(do="route", route="POST /api/qr/verify", rate_per_s=10, pools=str(pools_of_forged))
    assert found["failures"] == [{"status": 200, "what": "200 wrong-body", "count": 5}]


def test_what_cannot_be_asked_is_told_in_one_line(demo_stack, pools):
    argv = ("--host", demo_stack.gateway_url, "--pools", str(pools), "--route", "POST /api/payments")
    ended = run("loadtests.openloop", "route", *argv, "--rate", "1e6", "--seconds", "1")
    assert ended.returncode == 1
    assert "free seats: 2000000 are wanted" in ended.stderr.splitlines()[-1]
