"""Which routes are asked alone, and how fast. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from loadtests.compare.sizes import Size

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
SHARES: Final[Mapping[str, float]] = {
    "POST /api/auth/login": 0.2,
    "POST /api/auth/refresh": 0.5,
    "POST /api/bookings": 0.4,
    "POST /api/bookings/{id}/cancel": 0.4,
    "POST /api/payments": 0.5,
    "POST /api/payments/{id}/confirm": 0.4,
    "POST /api/check-ins": 0.5,
    "PATCH /api/trips/{id}": 0.5,
    "GET /api/tickets/{id}.pdf": 0.06,
    "GET /api/tickets/{id}/qr": 0.5,
    "GET /api/companies/{id}/gtfs": 0.3,
    "GET /operator": 0.3,
    "GET /operator/fleet": 0.3,
    "GET /operator/network": 0.3,
    "GET /operator/schedule": 0.3,
    "GET /operator/sales": 0.4,
    "GET /admin": 0.4,
}
"""At which share of the rate: what costs tens of milliseconds, on purpose or because it is a lot, so that no
side is measured while it is full; and what is good for one request only, so that each needs a seat, a payment
or a code of its own. Reads are asked for longer instead, as many times as the others: their p99 is judged."""


def share_of(route: str) -> float:
    return SHARES.get(route, 1.0)


def times_as_long(route: str, reads: Collection[str]) -> float:
    """`reads` are the declared ones, of which some are a POST."""
    return 1 / share_of(route) if route in reads else 1.0


def routes_of(size: Size, reads: Iterable[str]) -> list[str]:
    """By their names at the gateway, in the order in which they are asked."""
    match size.routes_asked:
        case "all":
            return [*(read for read in reads if read not in NOT_ASKED), *WRITES]
        case "few":
            return list(FEW)
        case _:
            return list(FEWEST)
