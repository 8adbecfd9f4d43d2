"""Which routes are asked alone, and how fast. No I/O."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from loadtests.compare.sizes import Routes, Size

WRITES: Final = (
    "POST /api/auth/login",
    "POST /api/auth/refresh",
    "POST /api/bookings",
    "POST /api/bookings/{id}/cancel",
    "POST /api/payments",
    "POST /api/payments/{id}/confirm",
    "POST /api/check-ins",
    "PATCH /api/trips/{id}",
)
"""The important ones."""
FEW: Final = (
    "GET /",
    "GET /api/search",
    "GET /api/trips/{id}/seats",
    "GET /api/bookings/{id}",
    "GET /api/tickets/{id}/qr",
    "POST /api/qr/verify",
    "GET /api/companies/{id}/dashboard",
)
FEWEST: Final = ("GET /api/search", "GET /api/trips/{id}/seats")
NOT_ASKED: Final[Mapping[str, str]] = {
    f"GET /api/openapi/{domain}.json": "bytes that are made once, when a process starts"
    for domain in ("auth", "user", "company", "ticketing", "qr", "payment")
}
GATHERED_ANEW: Final = frozenset(
    (
        *(write for write in WRITES if write not in {"POST /api/auth/login", "POST /api/auth/refresh"}),
        "GET /checkout/{payment_id}",
    )
)
"""What is asked for is made for each window, and given up behind it."""
SHARES: Final[Mapping[str, float]] = {
    "POST /api/auth/login": 0.08,
    "POST /api/auth/refresh": 0.2,
    "POST /api/bookings": 0.2,
    "POST /api/bookings/{id}/cancel": 0.2,
    "POST /api/payments": 0.2,
    "POST /api/payments/{id}/confirm": 0.2,
    "POST /api/check-ins": 0.2,
    "PATCH /api/trips/{id}": 0.2,
    "GET /api/tickets/{id}.pdf": 0.03,
    "GET /api/tickets/{id}/qr": 0.2,
    "GET /api/companies/{id}/gtfs": 0.3,
    "GET /api/companies/{id}/trips": 0.2,
    "GET /api/companies/{id}/dashboard": 0.5,
    "GET /api/dashboard": 0.2,
    "GET /admin": 0.2,
    "GET /bookings": 0.5,
    "GET /dashboard": 0.5,
    "GET /operator": 0.12,
    "GET /operator/drivers": 0.25,
    "GET /operator/fleet": 0.15,
    "GET /operator/network": 0.12,
    "GET /operator/sales": 0.2,
    "GET /operator/schedule": 0.15,
    "GET /operator/trips/{id}": 0.25,
    "GET /scan": 0.4,
    "GET /search": 0.4,
    "GET /trips/{id}": 0.4,
}
"""At which share of the rate: what costs more than three milliseconds or so, so that no side is measured
while it is full; and what is good for one request only, so that each needs a seat, a payment or a code of its
own. Reads are asked for longer instead, until their p99 can be judged."""


def share_of(route: str) -> float:
    return SHARES.get(route, 1.0)


def window_of(route: str, paced: Routes, reads: Collection[str]) -> float:
    """Seconds of one round; `reads` are the declared ones, of which some are a POST."""
    if route not in reads:
        return paced.seconds
    per_s = paced.per_s * share_of(route)
    return max(paced.seconds, math.ceil(paced.fewest / paced.rounds) / per_s)


def routes_of(size: Size, reads: Iterable[str]) -> list[str]:
    """By their names at the gateway, in the order in which they are asked."""
    match size.routes_asked:
        case "all":
            return [*(read for read in reads if read not in NOT_ASKED), *WRITES]
        case "few":
            return list(FEW)
        case _:
            return list(FEWEST)
