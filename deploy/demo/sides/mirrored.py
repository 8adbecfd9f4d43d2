"""What several services keep of another's things, and how its owner writes it: each said once.

Whoever hears of a thing first by its event has its number as `source_seq`; what came without one has none,
so that any event goes before it.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from common.instants import format_instant
from deploy.demo.copying import document, int8
from deploy.demo.places import TIME_ZONE

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from deploy.demo.rows import Booking, Company, Route

UNHEARD: Final = int8(0)  # source_seq
SETTLED: Final = frozenset({"confirmed", "cancelled"})

wire_instant = lru_cache(maxsize=1 << 12)(format_instant)


def is_told(status: str) -> bool:
    """Whether others hear of a ticket of this status: what is only held is ticketing's alone."""
    return status != "held"


def is_sold(status: str) -> bool:
    """Whether a ticket was good once. Every demo booking that is cancelled was paid for."""
    return status in SETTLED


def calls_of(route: Route) -> list[dict[str, Any]]:
    """A route's calls as its owner stores and tells them."""
    sums = accumulate(stop.leg_fare for stop in route.stops)
    return [
        {
            "seq": seq,
            "stop_id": str(call.stop_id),
            "arrive_s": call.arrive_s,
            "depart_s": call.depart_s,
            "leg_fare_minor": call.leg_fare,
            "fare_sum_minor": fare_sum,
        }
        for seq, (call, fare_sum) in enumerate(zip(route.stops, sums, strict=True))
    ]


class Journeys:
    """What a company's bookings were sold as: the journey that each of several databases stores, as jsonb."""

    def __init__(self, company: Company) -> None:
        self._written: dict[UUID, bytes] = {}
        self._company = company
        self._routes = {route.id: route for route in company.routes}
        self._stops = {
            stop.id: {"stop_id": str(stop.id), "name": stop.name, "city": stop.city, "time_zone": TIME_ZONE}
            for stop in company.stops
        }

    def of(self, booking: Booking) -> bytes:
        written = self._written.get(booking.id)
        if written is None:
            written = self._written[booking.id] = document(self._journey(booking))
        return written

    def _journey(self, booking: Booking) -> dict[str, Any]:
        trip = booking.trip
        route = self._routes[trip.route_id]
        board, leave = route.stops[booking.from_seq], route.stops[booking.to_seq]
        return {
            "route_id": str(route.id),
            "route_name": route.name,
            "company_name": self._company.name,
            "from": {
                "seq": booking.from_seq,
                **self._stops[board.stop_id],
                "departs_at": wire_instant(after(trip.departs_at, board.depart_s)),
            },
            "to": {
                "seq": booking.to_seq,
                **self._stops[leave.stop_id],
                "arrives_at": wire_instant(after(trip.departs_at, leave.arrive_s)),
            },
            "departs_at": wire_instant(trip.departs_at),
            "arrives_at": wire_instant(trip.arrives_at),
        }


def after(moment: datetime, seconds: int) -> datetime:
    return moment + timedelta(seconds=seconds)
