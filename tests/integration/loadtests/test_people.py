"""A small crowd at a real site for a few seconds: it finds nothing wrong, and sees what is wrong."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from types import SimpleNamespace
from uuid import UUID

import pytest

from deploy.local.folders import CHECKOUT
from strangler.routing.table import load_table

ROUTES = {route.name for route in load_table(CHECKOUT / "strangler" / "routes.toml").routes}


def run(module: str, stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, "--host", stack.gateway_url, *arguments]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def pools(demo_stack, tmp_path_factory):
    file = tmp_path_factory.mktemp("pools") / "pools.json"
    ended = run("loadtests.pools", demo_stack, "--people", "6", "--seed", "5", "--out", str(file))
    assert ended.returncode == 0, ended.stderr[-2000:]
    last = json.loads(ended.stderr.splitlines()[-1])
    assert last["done"] == last["of"]
    gathered = json.loads(file.read_text(encoding="utf-8"))
    # Tickets that are younger than that are other tests' own, who want to scan them themselves.
    before_ms = (time.time() - 3600) * 1e3
    boarding = [each for each in gathered["boarding"] if UUID(each["ticket_id"]).int >> 80 < before_ms]
    return {**gathered, "boarding": boarding}


def crowd(stack, pools, tmp_path, seconds: str):
    """What a crowd of twelve, who think very fast, say of the site."""
    (tmp_path / "pools.json").write_text(json.dumps(pools), encoding="utf-8")
    files = ("--pools", str(tmp_path / "pools.json"), "--out", str(tmp_path / "mix.json"))
    numbers = (
        "--users",
        "12",
        "--seconds",
        seconds,
        "--warm",
        "0.5",
        "--think-factor",
        "0.01",
        "--seed",
        "8",
    )
    ended = run("loadtests.people", stack, *files, *numbers)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return json.loads((tmp_path / "mix.json").read_text(encoding="utf-8"))


def at_the_door(pools, ticket):
    """Only who may scan that ticket: a crowd of twelve has one inspector, who shall have something to do."""
    return [each for each in pools["inspectors"] if each["company_id"] == ticket["company_id"]]


def test_pools_have_everybody_and_everything(pools):
    assert len(pools["passengers"]) == 6
    assert {person["company_id"] for person in pools["inspectors"]} == set(pools["companies"])
    assert {person["company_id"] for person in pools["operators"]} == set(pools["companies"])
    assert all(len(trip["seats"]) >= 6 for trip in pools["trips"])
    assert pools["routes"]
    assert pools["boarding"]
    assert {trip["trip_id"] for trip in pools["hot_trips"]} < {trip["trip_id"] for trip in pools["trips"]}


def test_a_crowd_looks_buys_and_boards_and_nothing_is_wrong(demo_stack, pools, tmp_path):
    inspectors = at_the_door(pools, pools["boarding"][0])
    mix = crowd(demo_stack, {**pools, "inspectors": inspectors}, tmp_path, "4")
    assert mix["failures"] == []
    assert mix["failed"] == mix["failed_in_warm_up"] == 0
    assert set(mix["routes"]) <= ROUTES
    assert {"GET /api/search", "GET /api/trips/{id}/seats", "POST /api/qr/verify"} <= set(mix["routes"])
    assert sum(route["asked"] for route in mix["routes"].values()) == mix["requests"]
    assert all(len(route["ms"]) == route["asked"] for route in mix["routes"].values())
    assert 0 < sum(mix["per_second"]) <= mix["requests"]
    assert mix["journeys"]["booked"] == len(mix["journeys"]["ms"]) > 0


def test_what_is_wrong_is_a_failure_that_says_so(demo_stack, pools, tmp_path):
    """A code of another ticket, at a door where the queue does not end, and departures that are not there."""
    ticket = pools["boarding"][0]
    wrong = {
        **pools,
        "hot_trips": [trip | {"trip_id": trip["trip_id"][::-1]} for trip in pools["hot_trips"]],
        "inspectors": at_the_door(pools, ticket),
        "boarding": [ticket | {"ticket_id": ticket["trip_id"]}] * 5000,
    }
    mix = crowd(demo_stack, wrong, tmp_path, "2")
    said = {(failure["route"], failure["what"]) for failure in mix["failures"]}
    assert ("POST /api/qr/verify", "the verdict is of another ticket") in said
    assert any(
        route == "GET /api/trips/{id}/seats" and what.startswith("404 not-found instead of 200")
        for route, what in said
    )
    assert mix["failed"] == sum(failure["count"] for failure in mix["failures"])
    assert all(len(route["ms"]) == route["asked"] - route["failed"] for route in mix["routes"].values())


def test_who_is_never_answered_is_a_failure_at_the_end(pools, tmp_path):
    """A site that takes connections and says nothing: all of the crowd waits, whenever it asked."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        site = SimpleNamespace(gateway_url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        mix = crowd(site, pools, tmp_path, "6")
    assert {failure["what"] for failure in mix["failures"]} == {"unanswered at the end"}
    assert mix["failed"] == mix["requests"] > 6
    assert {(tuple(route["ms"]), route["asked"] - route["failed"]) for route in mix["routes"].values()} == {
        ((), 0)
    }
    assert sum(mix["per_second"]) == 0


def test_without_demo_data_it_says_what_to_do(stack, tmp_path):
    admin = ("--admin-email", stack.admin_email, "--admin-password", stack.admin_password)
    gathered = run("loadtests.pools", stack, *admin, "--out", str(tmp_path / "pools.json"))
    assert gathered.returncode == 1
    assert gathered.stderr.splitlines()[-1].startswith(stack.gateway_url)
    assert "demo" in gathered.stderr.splitlines()[-1]
