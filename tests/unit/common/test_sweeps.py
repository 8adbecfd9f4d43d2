"""When sweeps take their turns, and what they make of a group that the other side owns."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from common import sweeps
from common.sweeps import Sweep, Sweeper, is_fenced, one_by_one

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


FENCED = asyncpg.PostgresError.new({"C": "BY421", "M": "bookings are fenced", "S": "ERROR"})
BROKEN = RuntimeError("broken")


class Steps:
    """A sweep's step that answers, or raises, these one after the other, and then waits for good."""

    def __init__(self, *outcomes: int | Exception) -> None:
        self._outcomes = list(outcomes)
        self.turns = 0
        self.over = asyncio.Event()

    async def step(self, _of: object) -> int:
        if self.turns == len(self._outcomes):
            self.over.set()
            await asyncio.get_running_loop().create_future()
        outcome = self._outcomes[self.turns]
        self.turns += 1
        if self.turns == len(self._outcomes):
            self.over.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@asynccontextmanager
async def running(sweep: Sweep) -> AsyncGenerator[Sweeper]:
    sweeper = Sweeper([sweep])
    async with asynccontextmanager(sweeper.run)(web.Application()):
        yield sweeper


async def test_a_step_that_did_something_is_called_again_at_once() -> None:
    steps = Steps(3, 1, 0)
    async with running(Sweep("often", 0.01, steps.step)):
        await asyncio.wait_for(steps.over.wait(), 5)
    assert steps.turns == 3


async def test_a_step_that_did_few_things_had_no_more_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "FIRST_TURN_S", 0.0)
    steps = Steps(50, 25, 24, 50)
    async with running(Sweep("seldom", 600.0, steps.step, few=25)) as sweeper:
        while steps.turns < 3:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert steps.turns == 3
        sweeper.wake("seldom")
        await asyncio.wait_for(steps.over.wait(), 5)


async def test_a_thorough_step_has_gone_through_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "FIRST_TURN_S", 0.0)
    steps = Steps(3, 1)
    async with running(Sweep("rarely", 600.0, steps.step, thorough=True)) as sweeper:
        while not steps.turns:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert steps.turns == 1
        sweeper.wake("rarely")
        await asyncio.wait_for(steps.over.wait(), 5)


async def test_what_the_other_side_owns_is_left_quietly_and_waking_asks_again() -> None:
    steps = Steps(FENCED, ExceptionGroup("workers", [FENCED, FENCED]), 0)
    with capture_logs() as logs:
        async with running(Sweep("confirm", 0.01, steps.step)) as sweeper:
            while len(logs) < 1:
                await asyncio.sleep(0.01)
            sweeper.wake("confirm")
            while len(logs) < 2:
                await asyncio.sleep(0.01)
            sweeper.wake("confirm")
            await asyncio.wait_for(steps.over.wait(), 5)
    assert [(each["log_level"], each["again_in_s"]) for each in logs] == [("debug", 30.0)] * 2


async def test_any_other_failure_is_told_and_tried_again() -> None:
    steps = Steps(BROKEN, 0)
    with capture_logs() as logs:
        async with running(Sweep("confirm", 0.01, steps.step)):
            await asyncio.wait_for(steps.over.wait(), 5)
    assert [each["log_level"] for each in logs] == ["error"]


def test_a_group_of_failures_is_fenced_only_if_each_is() -> None:
    assert is_fenced(ExceptionGroup("workers", [FENCED]))
    assert not is_fenced(ExceptionGroup("workers", [FENCED, BROKEN]))
    assert not is_fenced(BROKEN)


async def test_one_thing_that_fails_is_told_by_its_name_and_holds_up_no_other() -> None:
    steps = Steps(10, BROKEN, 10)
    with capture_logs() as logs:
        assert await one_by_one(["a", "b", "c"], steps.step, "it cannot be done", thing=str) == 20
    assert [(log["event"], log["thing"]) for log in logs] == [("it cannot be done", "b")]


@pytest.mark.parametrize(
    "error",
    [FENCED, TimeoutError(), ConnectionRefusedError(), asyncpg.InterfaceError("connection is closed")],
)
async def test_what_each_would_meet_ends_all_that_is_done_one_by_one(error: Exception) -> None:
    steps = Steps(10, error, 10)
    with capture_logs() as logs, pytest.raises(type(error)):
        await one_by_one(["a", "b", "c"], steps.step, "it cannot be done", thing=str)
    assert (steps.turns, logs) == (2, [])
