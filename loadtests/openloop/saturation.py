"""What a site answers when it is full: so many ask at once, each again as soon as it has its answer.

Nobody waits in line, so there is nothing to work off behind the window. Latencies say nothing here.
"""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loadtests.openloop.asking import asking_of
from loadtests.openloop.tally import Tally
from loadtests.openloop.window import DRAINED_WITHIN_S

if TYPE_CHECKING:
    from loadtests.openloop.cast import Cast
    from loadtests.openloop.lines import Lines
    from loadtests.openloop.routes import Route
    from loadtests.openloop.window import Listener, Source
    from loadtests.wire import Answer

VARIANTS: Final = 4096


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many `connections` for so long. Of what is good for one request, `made` are there beforehand."""

    connections: int
    seconds: float
    warm_s: float
    made: int


async def saturate(cast: Cast, route: Route, crowd: Crowd, listener: Listener) -> dict[str, Any]:
    """Gather, ask, and leave the site as it was; raises CannotAskError."""
    count = crowd.made if route.once else VARIANTS
    asking = await asking_of(route, cast, count, at_least=crowd.connections)
    try:
        return await crowded(cast.lines, asking, crowd, listener)
    finally:
        if route.after is not None:
            await route.after(cast, asking.subjects, asking.right)


async def crowded(lines: Lines, source: Source, crowd: Crowd, listener: Listener) -> dict[str, Any]:
    """Ends early if there is nothing left to ask."""
    tally, is_over = Tally(), asyncio.Event()
    counts = False

    def ask() -> None:
        asked = None if is_over.is_set() else source.next()
        if asked is None:
            is_over.set()
            return
        content, subject = asked
        due = time.monotonic()

        def heard(answer: Answer) -> None:
            if not counts:
                is_right = answer.status in source.statuses
            else:
                tally.asked += 1
                is_right = tally.heard(answer, source.statuses, source.marker, time.monotonic() - due)
                tally.answered_in_window += is_right
            if is_right:
                source.heard(subject, answer)
            ask()

        lines.send(content, heard)

    gc.collect()
    gc.disable()  # as in every window
    try:
        for _ in range(crowd.connections):
            ask()
        await _until(is_over, crowd.warm_s)
        counts = True
        listener.began()
        began, at, cpu_s = time.time(), time.monotonic(), time.process_time()
        await _until(is_over, crowd.seconds)
        took_s, counts = time.monotonic() - at, False
        listener.ended()
        ended, cpu_s = time.time(), time.process_time() - cpu_s
        is_over.set()
    finally:
        gc.enable()
    await lines.settle(DRAINED_WITHIN_S)
    return {
        "connections": crowd.connections,
        "answers_per_s": round(tally.answered_in_window / took_s, 2),
        "asked": tally.asked,
        "failed": tally.failed,
        "failures": tally.failure_rows(),
        "seconds": round(took_s, 3),
        "began": began,
        "ended": ended,
        "generator_cores": round(cpu_s / took_s, 3),
    }


async def _until(is_over: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await is_over.wait()
    except TimeoutError:
        return
