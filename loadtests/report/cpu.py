"""What a request costs in CPU: of the processes that belong to a side, what they need without work taken off.

The stack's other processes (console, sync, guardians) run on both sides alike and belong to neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loadtests.report.result import LEGACY, SERVICE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtests.report.result import Window

SHARED: Final = ("nginx", "strangler", "postgres", "valkey")
SERVICES: Final = tuple(
    f"{domain}-service" for domain in ("auth", "user", "company", "ticketing", "qr", "payment")
)
# From the edge inwards, as a request goes: the order of bars and tables.
ORDER: Final = ("nginx", "strangler", LEGACY, *SERVICES, "postgres", "valkey")


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of CPU per request; `net_by_process` adds up to `net_ms`."""

    net_ms: float
    gross_ms: float
    net_by_process: Mapping[str, float]


def belongs(process: str, side: str) -> bool:
    if process in SHARED:
        return True
    if process == LEGACY:
        return side != SERVICE
    return process in SERVICES and side != LEGACY


def cost(window: Window, many: int, idle_ms_per_s: Mapping[str, float]) -> Cost | None:
    """Of a window in which `many` requests, or journeys, were made; None where CPU was not measured."""
    used = {name: window.cpu_s[name] for name in ORDER if name in window.cpu_s and belongs(name, window.side)}
    if not used or many <= 0:
        return None
    net = {
        name: (seconds * 1000 - idle_ms_per_s.get(name, 0.0) * window.seconds) / many
        for name, seconds in used.items()
    }
    return Cost(sum(net.values()), sum(used.values()) * 1000 / many, net)


def mean_cost(costs: list[Cost]) -> Cost | None:
    """Of several rounds, each counting the same."""
    if not costs:
        return None
    many = len(costs)
    names = [name for name in ORDER if any(name in each.net_by_process for each in costs)]
    return Cost(
        sum(each.net_ms for each in costs) / many,
        sum(each.gross_ms for each in costs) / many,
        {name: sum(each.net_by_process.get(name, 0.0) for each in costs) / many for name in names},
    )
