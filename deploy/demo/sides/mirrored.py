"""What several services keep of another's things, and how its owner writes it: each said once.

Whoever hears of a thing first by its event has its number as `source_seq`; what came without one has none,
so that any event goes before it.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from deploy.demo.copying import int8, written_document
from deploy.demo.identifiers import uuid_of
from deploy.demo.places import TIME_ZONE

if TYPE_CHECKING:
    from datetime import datetime

    from deploy.demo.rows import Booking, Company, Route, Trip

UNHEARD: Final = int8(0)  # source_seq
SETTLED: Final = frozenset({"confirmed", "cancelled"})

_AN_INSTANT: Final = "\N{WATCH}"  # no name has it


def wire_instant(moment: datetime) -> bytes:
    """As common.instants formats it: here all of them are in UTC, and have whole seconds."""
    return moment.isoformat()[:19].encode() + b"Z"


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
            "stop_id": str(uuid_of(call.stop_id)),
            "arrive_s": call.arrive_s,
            "depart_s": call.depart_s,
            "leg_fare_minor": call.leg_fare,
            "fare_sum_minor": fare_sum,
        }
        for seq, (call, fare_sum) in enumerate(zip(route.stops, sums, strict=True))
    ]


class Journeys:
    """What a company's bookings were sold as: the journey that each of several databases stores, as jsonb.

    Journeys on the same stretch of a route differ in four instants; the rest of them is made JSON once.
    """

    def __init__(self, company: Company) -> None:
        self._written: dict[bytes, bytes] = {}
        self._stretches: dict[tuple[bytes, int, int], _Stretch] = {}
        self._company = company
        self._routes = {route.id: route for route in company.routes}
        self._stops = {
            each.id: {
                "stop_id": str(uuid_of(each.id)),
                "name": each.name,
                "city": each.city,
                "time_zone": TIME_ZONE,
            }
            for each in company.stops
        }

    def of(self, booking: Booking) -> bytes:
        written = self._written.get(booking.id)
        if written is None:
            trip = booking.trip
            key = (trip.route_id, booking.from_seq, booking.to_seq)
            stretch = self._stretches.get(key)
            if stretch is None:
                stretch = self._stretches[key] = self._stretch(*key)
            written = self._written[booking.id] = stretch.journey(trip)
        return written

    def _stretch(self, route_id: bytes, from_seq: int, to_seq: int) -> _Stretch:
        route = self._routes[route_id]
        board, leave = route.stops[from_seq], route.stops[to_seq]
        journey = {
            "route_id": str(uuid_of(route.id)),
            "route_name": route.name,
            "company_name": self._company.name,
            "from": {"seq": from_seq, **self._stops[board.stop_id], "departs_at": _AN_INSTANT},
            "to": {"seq": to_seq, **self._stops[leave.stop_id], "arrives_at": _AN_INSTANT},
            "departs_at": _AN_INSTANT,
            "arrives_at": _AN_INSTANT,
        }
        frame = orjson.dumps(journey).replace(b"%", b"%%").replace(orjson.dumps(_AN_INSTANT), b'"%b"')
        return _Stretch(frame, timedelta(seconds=board.depart_s), timedelta(seconds=leave.arrive_s))


class _Stretch(NamedTuple):
    frame: bytes
    boards_after: timedelta
    leaves_after: timedelta

    def journey(self, trip: Trip) -> bytes:
        departs_at = trip.departs_at
        return written_document(
            self.frame
            % (
                wire_instant(departs_at + self.boards_after),
                wire_instant(departs_at + self.leaves_after),
                wire_instant(departs_at),
                wire_instant(trip.arrives_at),
            )
        )


def after(moment: datetime, seconds: int) -> datetime:
    return moment + timedelta(seconds=seconds)
