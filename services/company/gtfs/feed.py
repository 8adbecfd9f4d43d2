"""A feed as we understand it: what parsing makes, loading takes and export writes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from services.company.gtfs.times import format_date, parse_date

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

CITY = "banyan_city"
LEG_FARE = "banyan_leg_fare"
ROUTE_NAME = "banyan_name"
DISTANCE = "banyan_distance_km"
"""Columns of our own, which GTFS allows: they carry what it has no place for through an export and back."""

MOST_STOPS = 250
"""Stops of one trip: a ticket's code holds their numbers in a byte."""


DEAREST = 3_000_000
"""The most that a whole route may cost, in major units of its currency."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to fill what a feed leaves open; fares in minor units of a currency that has so many `decimals`.

    `guess_fares` says that nobody named fares: those of an import before are better than a guess by distance.
    """

    city: str | None = None
    default_leg_fare: int | None = None
    fare_per_km: int = 150
    decimals: int = 2
    guess_fares: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    code: str
    name: str
    city: str | None
    lat: float
    lon: float
    time_zone: str


@dataclass(frozen=True, slots=True)
class Service:
    """Days of service: weekdays (ISO) within a span, and the exceptions to them."""

    service_id: str
    weekdays: tuple[int, ...]
    start_date: date
    end_date: date
    added: tuple[date, ...]
    removed: tuple[date, ...]


class Call(NamedTuple):
    """A bus at a stop: seconds after it left the first one, the fare from the stop before in minor units.

    A feed may have a million of them, and a tuple is made, compared and sent thrice as fast as an object.
    """

    stop: str
    arrive_s: int
    depart_s: int
    leg_fare: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """The way some trips of a feed's route take: what is a route here."""

    gtfs_route_id: str
    code: str | None
    name: str
    distance_km: int | None
    calls: tuple[Call, ...]

    @property
    def key(self) -> str:
        """The same for the same stops, offsets and fares of the same route, in whichever feed they come."""
        return self._hash(
            f"{stop}\x1f{arrive_s}\x1f{depart_s}\x1f{leg_fare}"
            for stop, arrive_s, depart_s, leg_fare in self.calls
        )

    @property
    def way(self) -> str:
        """Like `key`, whatever the fares are."""
        return self._hash(f"{stop}\x1f{arrive_s}\x1f{depart_s}" for stop, arrive_s, depart_s, _ in self.calls)

    def _hash(self, parts: Iterable[str]) -> str:
        text = "\x1e".join([self.gtfs_route_id, *parts])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Trip:
    """A run along a pattern on the days of a service; `start_s` is from noon minus 12 h."""

    trip_id: str
    pattern: int
    service_id: str
    headsign: str | None
    start_s: int


@dataclass(frozen=True, slots=True)
class Feed:
    """Everything that is imported, and how many things of each kind were left out."""

    agencies: int
    time_zone: str
    stops: list[Stop]
    services: list[Service]
    patterns: list[Pattern]
    trips: list[Trip]
    skipped: dict[str, int] = field(default_factory=dict)
    guessed_fares: bool = False

    def lines(self) -> list[list[object]]:
        """As plain lists, for the way between two processes."""
        lines: list[list[object]] = [
            ["feed", self.agencies, self.time_zone, self.skipped, self.guessed_fares]
        ]
        lines += [["stop", s.code, s.name, s.city, s.lat, s.lon, s.time_zone] for s in self.stops]
        lines += [
            [
                "service",
                s.service_id,
                s.weekdays,
                format_date(s.start_date),
                format_date(s.end_date),
                [format_date(day) for day in s.added],
                [format_date(day) for day in s.removed],
            ]
            for s in self.services
        ]
        lines += [
            [
                "pattern",
                p.gtfs_route_id,
                p.code,
                p.name,
                p.distance_km,
                [*map(tuple, p.calls)],
            ]
            for p in self.patterns
        ]
        lines += [["trip", t.trip_id, t.pattern, t.service_id, t.headsign, t.start_s] for t in self.trips]
        return lines

    def take_line(self, kind: str, values: list[object]) -> None:
        """The way back, for all lines but the first."""
        match kind, values:
            case "stop", _:
                self.stops.append(Stop(*values))  # type: ignore[arg-type]  # as `lines` wrote it
            case "service", [str(service), list(weekdays), str(start), str(end), list(added), list(removed)]:
                self.services.append(
                    Service(
                        service,
                        tuple(weekdays),
                        parse_date(start),
                        parse_date(end),
                        tuple(parse_date(day) for day in added),
                        tuple(parse_date(day) for day in removed),
                    )
                )
            case "pattern", [route, code, name, distance, list(calls)]:
                way = tuple(map(Call._make, calls))
                self.patterns.append(Pattern(route, code, name, distance, way))  # type: ignore[arg-type]  # see above
            case "trip", _:
                self.trips.append(Trip(*values))  # type: ignore[arg-type]  # as `lines` wrote it
            case _:
                raise ValueError(f"a line of kind {kind!r}")
