"""Level-triggered work: each sweep looks at what is so and does what is due, again and again.

A sweep's step is idempotent and may run in several processes at once; it must never rely on having been
called for a particular change. Waking one early only saves the wait.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from aiohttp import web

log = structlog.get_logger(__name__)

LONGEST_BACKOFF_S = 30.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """A named step that runs every `every_s` seconds; it answers how many things it did.

    A step that did something is called again at once, until there is nothing left to do.
    """

    name: str
    every_s: float
    step: Callable[[web.Application], Awaitable[int]]


class Sweeper:
    """Runs each sweep in a task of its own, as long as the application lives."""

    def __init__(self, sweeps: Iterable[Sweep]) -> None:
        self._sweeps = {sweep.name: sweep for sweep in sweeps}
        self._awake = {name: asyncio.Event() for name in self._sweeps}

    def wake(self, name: str) -> None:
        """Run this sweep now rather than at its next turn."""
        self._awake[name].set()

    async def run(self, app: web.Application) -> AsyncIterator[None]:
        """Keep all sweeps going: a cleanup context of the application."""
        tasks = [asyncio.create_task(self._keep(app, sweep), name=f"sweep:{name}") for name, sweep in self._sweeps.items()]
        yield
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _keep(self, app: web.Application, sweep: Sweep) -> None:
        awake = self._awake[sweep.name]
        pause_s = sweep.every_s
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(awake.wait(), pause_s)
            awake.clear()
            try:
                while await sweep.step(app):
                    pass
            except Exception:  # noqa: BLE001 — whatever went wrong, what is due stays due: say so and try again
                pause_s = min(pause_s * 2, LONGEST_BACKOFF_S)
                log.exception("sweep failed", sweep=sweep.name, again_in_s=pause_s)
            else:
                pause_s = sweep.every_s
