"""Level-triggered work: each sweep looks at what is so and does what is due, again and again.

A sweep's step is idempotent and may run in several processes at once; it must never rely on having been
called for a particular change. Waking one early only saves the wait. What is asked every second must cost
the same however much history there is: it looks at what changed a moment ago, and a thorough sweep finds, at
start and every few minutes, what that may have missed (docs/sweeps.md).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import asyncpg
import structlog
from aiohttp import web

from common.problems import FENCED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

log = structlog.get_logger(__name__)

Thing = TypeVar("Thing")

LONGEST_BACKOFF_S = 30.0
FENCED_PAUSE_S = 30.0
FIRST_TURN_S = 5.0
"""At start even the rare sweeps run soon: whatever fell due while nobody was there is done at once."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A named step that runs every `every_s` seconds; it answers how many things it did.

    A step that did something is called again at once, until it did fewer than `few` things: one that takes
    many at a time and found less had no more before it. One that is thorough has gone through everything, and
    is not called again. What one without news has done is told to nobody.
    """

    name: str
    every_s: float
    step: Callable[[web.Application], Awaitable[int]]
    thorough: bool = False
    is_news: bool = True
    few: int = 1


class Sweeper:
    """Runs each sweep in a task of its own, as long as the application lives."""

    def __init__(self, sweeps: Iterable[Sweep]) -> None:
        self._sweeps = {sweep.name: sweep for sweep in sweeps}
        self._awake = {name: asyncio.Event() for name in self._sweeps}
        self.did_work: Callable[[], None] = _nobody_to_tell
        """Called after a step that did something: its changes may be news to others."""

    def wake(self, name: str) -> None:
        """Run this sweep now rather than at its next turn."""
        self._awake[name].set()

    async def run(self, app: web.Application) -> AsyncIterator[None]:
        """Keep all sweeps going: a cleanup context of the application."""
        tasks = [
            asyncio.create_task(self._keep(app, sweep), name=f"sweep:{name}")
            for name, sweep in self._sweeps.items()
        ]
        yield
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _keep(self, app: web.Application, sweep: Sweep) -> None:
        awake = self._awake[sweep.name]
        pause_s = min(sweep.every_s, FIRST_TURN_S)
        while True:
            # not wait_for, which may swallow a cancellation that comes at the moment of waking (until 3.12)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await awake.wait()
            awake.clear()
            try:
                while done := await sweep.step(app):
                    if sweep.is_news:
                        self.did_work()
                    if sweep.thorough or done < sweep.few:
                        break
            except Exception as error:
                if is_fenced(error):
                    pause_s = max(sweep.every_s, FENCED_PAUSE_S)
                    log.debug(
                        "sweep rests: the other side owns the group", sweep=sweep.name, again_in_s=pause_s
                    )
                else:
                    pause_s = min(pause_s * 2, LONGEST_BACKOFF_S)
                    log.exception("sweep failed", sweep=sweep.name, again_in_s=pause_s)
            else:
                pause_s = sweep.every_s


async def one_by_one(
    things: Iterable[Thing],
    step: Callable[[Thing], Awaitable[int]],
    complaint: str,
    **named: Callable[[Thing], object],
) -> int:
    """What a step did with each, all together. A thing that it fails on holds up no other.

    The complaint is logged with what the thing is `named`. A fence ends all, and so does a database that is
    away: the others would meet it, too.
    """
    done = 0
    for thing in things:
        try:
            done += await step(thing)
        except (
            asyncpg.InterfaceError,
            asyncpg.PostgresConnectionError,
            OSError,
        ):
            raise
        except Exception as error:
            if is_fenced(error):
                raise
            log.exception(complaint, **{key: str(name(thing)) for key, name in named.items()})
    return done


def _nobody_to_tell() -> None:
    pass


SWEEPER: Final = web.AppKey("sweeper", Sweeper)


def is_fenced(error: BaseException) -> bool:
    """Whether the group is fenced here: the other side owns it, and what is due is due there."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_fenced(each) for each in error.exceptions)
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate == FENCED
