"""Departures, and who rides on them: for its crew, as data, as a table, or on paper."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from common.database import POOL
from common.principals import Principal, Role, WrongRole
from common.problems import NotFound
from services.ticketing.repository import manifest as repository
from services.ticketing.service.trips import learn_trip

if TYPE_CHECKING:
    from uuid import UUID

    from aiohttp import web

    from services.ticketing.repository import Row

_PARTS: Final = re.compile(r"\d+|\D+")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A departure and its passengers, by seat and by where they board."""

    departure: Row
    passengers: list[Row]
    generated_at: datetime

    @property
    def confirmed(self) -> int:
        return sum(each["status"] == "confirmed" for each in self.passengers)

    @property
    def checked_in(self) -> int:
        return sum(each["checked_in_at"] is not None for each in self.passengers)


async def find_departure(request: web.Request, trip_id: UUID) -> Row:
    """A trip with all that describes it; raises NotFound, or Unavailable while nobody can say."""
    pool = request.app[POOL]
    departure = await repository.get_departure(pool, trip_id)
    if departure is None and await learn_trip(request, trip_id):
        departure = await repository.get_departure(pool, trip_id)
    if departure is None:
        raise NotFound
    return departure


async def make_manifest(request: web.Request, by: Principal, trip_id: UUID) -> Manifest:
    """For the company's staff; raises WrongRole for passengers, NotFound for another company's staff."""
    if by.role is Role.PASSENGER:
        raise WrongRole("This is for: operator, inspector, driver, admin.")
    departure = await find_departure(request, trip_id)
    if by.role is not Role.ADMIN and by.company_id != departure["company_id"]:
        raise NotFound
    passengers = sorted(
        await repository.list_passengers(request.app[POOL], trip_id),
        key=lambda each: (seat_order(each["seat"]), each["from_seq"], each["id"]),
    )
    return Manifest(departure, passengers, datetime.now(UTC))


def seat_order(seat: str) -> list[tuple[int, str]]:
    """A sort key by which 2A comes before 10A, and L9 before L10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _PARTS.findall(seat)]
