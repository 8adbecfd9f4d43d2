"""A process that stays, and measures what it is told to on either side, one window after the other.

Nothing is started between two windows: connections are kept, and so are the people of each side and what they
ask. Orders come as lines of JSON on stdin, one at a time. A line of JSON on stdout answers each, behind the
lines that bracket its window: what was found, or why it could not be asked.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import orjson

from loadtests.openloop.asking import Asking, asking_of
from loadtests.openloop.cast import CannotAskError, Cast
from loadtests.openloop.journey import measure_journeys
from loadtests.openloop.route import measure_route, result_of
from loadtests.openloop.routes import ROUTES
from loadtests.openloop.saturation import Crowd, saturate
from loadtests.openloop.steps import WHAT, measure_step
from loadtests.openloop.window import Plan, measure
from loadtests.pools import PoolsError, load

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from loadtests.openloop.lines import Lines
    from loadtests.openloop.window import Listener, Measured

GOOD_FOR_S: Final = 240.0
"""How long tokens must be good for that are put into requests."""
KEPT_FOR_S: Final = 120.0
"""After which requests are made anew, of tokens that are good for long enough."""
VARIANTS: Final = 1024


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a side asks of a route that changes nothing, from one window to the next."""

    side: str
    route: str
    asking: Asking
    made: float


class Attendant:
    """Obeys one order after the other. What it says of windows goes to the listener."""

    def __init__(self, lines: Lines, seed: int, listener: Listener, say: Callable[[str], None]) -> None:
        self._lines, self._seed, self._listener, self._say = lines, seed, listener, say
        self._files: dict[str, str] = {}
        self._casts: dict[str, Cast] = {}
        self._kept: dict[str, _Kept] = {}
        self._obeying = {
            "route": self._route,
            "journey": self._journey,
            "step": self._step,
            "saturation": self._saturation,
        }

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """`found`; or why it `cannot` be asked, with the site as it was; or that its route is `unknown`."""
        route = order.get("route") or WHAT.get(order.get("what", ""))
        if route is not None and route not in ROUTES:
            return {"unknown": f"how {route} is asked is not known"}
        try:
            return {"found": await self._obeying[order["do"]](self._cast(order), order)}
        except (CannotAskError, PoolsError) as error:
            return {"cannot": str(error).replace("\n", " ")}

    def _cast(self, order: dict[str, Any]) -> Cast:
        """Those of the side's latest file; who has come on top of the one before goes on."""
        side, file = order["side"], order["pools"]
        if self._files.get(side) != file:
            cast = Cast(load(Path(file)), self._lines, self._seed, GOOD_FOR_S)
            if side in self._casts:
                cast.join(self._casts[side])
            self._files[side], self._casts[side] = file, cast
            self._kept.pop(side, None)
        return self._casts[side]

    async def _route(self, cast: Cast, order: dict[str, Any]) -> dict[str, Any]:
        return result_of(order["route"], await self._measured(cast, order, order["route"], _plan(order)))

    async def _journey(self, cast: Cast, order: dict[str, Any]) -> dict[str, Any]:
        return await measure_journeys(cast, _plan(order), self._listener)

    async def _step(self, cast: Cast, order: dict[str, Any]) -> dict[str, Any] | None:
        what = order["what"]

        def at_rate(plan: Plan) -> Awaitable[Measured]:
            return self._measured(cast, order, WHAT[what], plan)

        step = await measure_step(what, _plan(order), at_rate, self._say)
        return None if step is None else step.row()

    async def _saturation(self, cast: Cast, order: dict[str, Any]) -> dict[str, Any]:
        route = ROUTES[WHAT[order["what"]]]
        crowd = Crowd(order["connections"], order["seconds"], order["warm_s"], order["made"])
        return {"what": order["what"], **await saturate(cast, route, crowd, self._listener)}

    async def _measured(self, cast: Cast, order: dict[str, Any], name: str, plan: Plan) -> Measured:
        """What is good for one request, and what leaves something behind, is gathered for each window."""
        route, side = ROUTES[name], order["side"]
        if route.once or route.after is not None:
            return await measure_route(cast, route, plan, self._listener)
        kept = self._kept.get(side)
        if kept is None or kept.route != name or time.monotonic() - kept.made > KEPT_FOR_S:
            made = time.monotonic()
            # Who is drawn for it is the same on either side, whatever each has been asked before.
            cast.dice = Random(f"cast:{self._seed}:{name}:{plan.seed}")  # ruff: ignore[suspicious-non-cryptographic-random-usage] — it repeats itself
            kept = self._kept[side] = _Kept(side, name, await asking_of(route, cast, VARIANTS), made)
        return await measure(cast.lines, kept.asking, plan, self._listener)


async def attend(attendant: Attendant) -> None:
    """Until stdin ends, or SIGTERM: then what a window has made is cleared away first."""
    reader = asyncio.StreamReader()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        answer = orjson.dumps(await attendant.obey(orjson.loads(line)))
        sys.stdout.write(answer.decode() + "\n")
        sys.stdout.flush()


def _plan(order: dict[str, Any]) -> Plan:
    return Plan(order["rate_per_s"], order["seconds"], order["warm_s"], order["seed"])
