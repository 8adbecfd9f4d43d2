"""Search, seat map, booking, verify: each at one rate after the other, up to the knee."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rich.table import Table

from loadtests.openloop.cast import TooFewError
from loadtests.openloop.knee import Step, along, climb
from loadtests.openloop.route import measure_route
from loadtests.openloop.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from loadtests.openloop.cast import Cast
    from loadtests.openloop.window import Listener, Measured, Plan

WHAT: Final[Mapping[str, str]] = {
    "search": "GET /api/search",
    "seats": "GET /api/trips/{id}/seats",
    "booking": "POST /api/bookings",
    "verify": "POST /api/qr/verify",
}
SHORTEST_S: Final = 1


async def measure_steps(
    cast: Cast,
    what: str,
    plan: Plan,
    rates: Sequence[float] | None,
    listener: Listener,
    say: Callable[[str], None],
) -> list[Step]:
    """By the rates given, or found by climbing; `plan` has everything but the rate.

    A step that needs more people or seats than there are is shorter, and one that would be too short is none.
    """
    route = ROUTES[WHAT[what]]

    async def at(rate_per_s: float) -> Step | None:
        wanted = replace(plan, rate_per_s=rate_per_s)
        return await measure_step(what, wanted, lambda one: measure_route(cast, route, one, listener), say)

    return await (climb(at) if rates is None else along(rates, at))


async def measure_step(
    what: str, plan: Plan, measure: Callable[[Plan], Awaitable[Measured]], say: Callable[[str], None]
) -> Step | None:
    """One rate; None if it cannot be asked."""
    try:
        return Step.of(what, await measure(plan))
    except TooFewError as few:
        seconds = math.floor(few.there / plan.rate_per_s - plan.warm_s)
        if seconds < SHORTEST_S:
            say(f"{plan.rate_per_s:g}/s cannot be asked: {few}")
            return None
        return Step.of(what, await measure(replace(plan, seconds=seconds)))


def table_of(steps: Sequence[Step]) -> Table:
    table = Table(
        title=f"{WHAT[steps[0].what]}, latency in ms from the instant at which a request was due"
        if steps
        else "nothing was asked",
        caption="Late: the 99th percentile of how late the generator itself was; it is in the latencies.",
    )
    columns = ("rate/s", "achieved/s", "asked", "failed", "p50", "p90", "p99", "p99.9", "max", "late", "")
    for column in columns:
        table.add_column(column, justify="right")
    for step in steps:
        facts = step.facts
        table.add_row(
            f"{step.rate_per_s:,.0f}",
            f"{facts['achieved_per_s']:,.0f}",
            f"{facts['asked']:,}",
            f"{facts['failed']:,}",
            *(
                "" if (value := step.at(share)) is None else f"{value:,.1f}"
                for share in (0.5, 0.9, 0.99, 0.999, 1)
            ),
            f"{facts['late_p99_ms']:.1f}",
            _remark(step),
        )
    return table


def _remark(step: Step) -> str:
    said = ["past the knee"] if step.is_past_knee else []
    if step.facts["is_generator_late"]:
        said.append("generator late")
    return ", ".join(said)
