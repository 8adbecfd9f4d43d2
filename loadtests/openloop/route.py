"""One route at a fixed rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests.openloop.asking import asking_of
from loadtests.openloop.window import measure

if TYPE_CHECKING:
    from loadtests.openloop.cast import Cast
    from loadtests.openloop.routes import Route
    from loadtests.openloop.window import Listener, Measured, Plan


async def measure_route(cast: Cast, route: Route, plan: Plan, listener: Listener) -> Measured:
    """Gather what it is asked for, ask, and leave the site as it was; raises CannotAskError."""
    asking = await asking_of(route, cast, plan.count)
    try:
        return await measure(cast.lines, asking, plan, listener)
    finally:
        if route.after is not None:
            await route.after(cast, asking.subjects, asking.right)


def result_of(route: str, measured: Measured) -> dict[str, Any]:
    return {"route": route, **measured.facts(), "ms": measured.tally.latencies_ms()}
