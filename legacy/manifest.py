"""Who rides on a departure: for its crew, as data, as a table, or on paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from common.principals import Principal, Role, WrongRole
from common.problems import NotFound
from legacy import schedule
from legacy.queries import manifest as queries
from legacy.rules.manifests import seat_order

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Pool
    from legacy.queries.manifest import Row


@dataclass(frozen=True, slots=True)
class Manifest:
    """A departure with its stops and its passengers, by seat and by where they board."""

    trip: Row
    stops: list[Row]
    passengers: list[Row]
    generated_at: datetime

    @property
    def checked_in(self) -> int:
        return sum(each["scanned_at"] is not None for each in self.passengers)


async def make_manifest(pool: Pool, by: Principal, trip_id: UUID) -> Manifest:
    """For the company's staff; raises WrongRole for passengers, NotFound for another company's staff."""
    if by.role is Role.PASSENGER:
        raise WrongRole("This is for: operator, inspector, driver, admin.")
    trip, stops = await schedule.find_trip(pool, trip_id)
    if by.role is not Role.ADMIN and by.company_id != trip["company_id"]:
        raise NotFound
    passengers = sorted(
        await queries.list_passengers(pool, trip_id),
        key=lambda each: (seat_order(each["seat"]), each["from_seq"], each["id"]),
    )
    return Manifest(trip, stops, passengers, datetime.now(UTC))
