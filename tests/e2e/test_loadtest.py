"""`make loadtest` on a site that runs: it measures both sides, and leaves everything as it was."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from deploy.local.folders import CHECKOUT, folders_of
from loadtests.compare.sides import ROUTES_FILE, side_of
from strangler.routing import records
from strangler.routing.table import load_table
from tests import stack as stacks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.stack import RunningStack

MODULE = [sys.executable, "-m", "loadtests"]
ENDS_WITHIN_S = 240
STEER = f"{shlex.quote(sys.executable)} -m strangler place {{side}} --without-data --why 'load test'"


@pytest.fixture(scope="module")
def filled(worker_id: str) -> Iterator[RunningStack]:
    """Both sides with demo data: what a load writes there must not meet other tests."""
    folders = folders_of(stacks.test_folder() / f"load-{worker_id}")
    yield stacks.start_stack(folders)
    stacks.stop_stack(folders)
    shutil.rmtree(folders.state, ignore_errors=True)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "BANYAN_LOCAL_DIR": "/nowhere", **more}


def found_by(stack: RunningStack) -> dict[str, str]:
    """As for `make loadtest HOST=…` beside the stack of the same checkout."""
    return environment(BANYAN_LOCAL_DIR=str(stack.folders.state))


def run(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MODULE, *words], env=env, capture_output=True, text=True, timeout=ENDS_WITHIN_S, check=False
    )


def only_result(out: Path) -> dict[str, Any]:
    (folder,) = out.iterdir()
    found: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return found


def side_now(stack: RunningStack) -> str:
    async def look() -> str:
        connection = await asyncpg.connect(stack.dsn("strangler"))
        try:
            return side_of(load_table(ROUTES_FILE), await records.load_table(connection))
        finally:
            await connection.close()

    return asyncio.run(look())


def owner_of_bookings(stack: RunningStack) -> str:
    async def look() -> str:
        connection = await asyncpg.connect(stack.dsn("strangler"))
        try:
            raw = (await records.load_table(connection)).groups.get("bookings")
        finally:
            await connection.close()
        return str(json.loads(raw)["owner"]) if raw else "legacy"

    return asyncio.run(look())


def test_the_smoke_run_measures_both_sides_and_puts_the_flags_back(filled, tmp_path):
    done = run(
        "--smoke", "--host", filled.gateway_url, "--out", str(tmp_path), "--json", env=found_by(filled)
    )
    assert done.returncode == 0, done.stderr[-4000:]
    said, result = json.loads(done.stdout), only_result(tmp_path)
    assert (said["complete"], said["failed"]) == (True, [])
    assert {name.name for name in (tmp_path / said["folder"]).iterdir()} == {
        *("result.json", "report.html", "report.json", "report.md")
    }
    assert [one["side"] for one in result["mix"]] == ["legacy", "service", "split"]
    assert all(one["requests"] > 0 for one in result["mix"])
    for phase in ("routes", "journey", "curves"):
        assert {one["side"] for one in result[phase]} == {"legacy", "service"}, phase
    assert set(result["idle"]["cpu_ms_per_s"]) == set(filled.status())
    assert {"GET /api/search", "POST /api/qr/verify"} <= set(result["reads"])
    assert "POST /api/bookings" not in result["reads"]
    for one in result["routes"]:
        legacy, service = one["cpu_s"]["legacy"], one["cpu_s"]["ticketing-service"]
        assert legacy > service if one["side"] == "legacy" else service > legacy, "the other side paid for it"
    asked = {one["side"]: {each["database"] for each in one["statements"]} for one in result["mix"]}
    assert "db_legacy" in asked["legacy"]
    assert "db_ticketing" in asked["service"]
    assert side_now(filled) == "legacy"


def test_ctrl_c_puts_the_flags_back_and_keeps_what_was_measured(filled, tmp_path):
    words = ["--smoke", "--only", "journey", "--side", "service", "--rounds", "50"]
    with subprocess.Popen(
        [*MODULE, *words, "--host", filled.gateway_url, "--out", str(tmp_path)],
        env=found_by(filled),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + ENDS_WITHIN_S
        while owner_of_bookings(filled) != "service":
            assert time.monotonic() < deadline
            assert process.poll() is None, process.stderr.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(ENDS_WITHIN_S) == 130
        assert "as they were" in process.stderr.read()
    assert side_now(filled) == "legacy"
    result = only_result(tmp_path)
    assert not result["is_complete"]
    assert result["idle"]["cpu_ms_per_s"]


def test_a_site_of_another_machine_is_steered_by_a_command_and_its_cost_is_not_guessed(filled, tmp_path):
    env = environment(**filled.facts["environments"]["strangler"])
    words = ("--smoke", "--only", "journey", "--side", "service", "--host", filled.gateway_url)
    done = run(*words, "--steer", STEER, "--out", str(tmp_path), env=env)
    assert done.returncode == 0, done.stderr[-4000:]
    result = only_result(tmp_path)
    assert [one["side"] for one in result["journey"]] == ["service"]
    assert result["journey"][0]["cpu_s"] == {}
    assert result["lacks"]
    assert side_now(filled) == "legacy"


def test_a_site_without_demo_data_is_refused_with_the_next_step(stack, tmp_path):
    done = run("--smoke", "--host", stack.gateway_url, "--out", str(tmp_path), env=environment())
    assert done.returncode == 2
    assert "has no demo data" in done.stderr
    assert "./banyan demo" in done.stderr
    assert list(tmp_path.iterdir()) == []
