"""Finding a departure: what leaves one place for another on a day, has room for all, and costs what.

The database knows when buses leave; how many seats of which class are left, and so the price, is reckoned
here, since that needs the layout. So departures come in chunks, in order of a key that is never more than
the real one, until a page is full and nothing that is still to come could belong on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from uuid import UUID

from common.database import ACQUIRE_TIMEOUT_S
from common.money import exponent, to_major
from common.problems import ValidationFailed
from services.ticketing.domain.fares import MOST_DECIMALS, step_of
from services.ticketing.repository import search as repository
from services.ticketing.service.seatings import seatings_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime, time

    from common.database import Connection, Pool
    from services.ticketing.domain.seating import Seating
    from services.ticketing.repository import Row

SPARE: Final = 10
"""So many more than are wanted are read at first: some may be sold out."""
LARGEST_CHUNK: Final = 500

Key = tuple[Decimal, "datetime", UUID]


@dataclass(frozen=True, slots=True)
class Question:
    """From and to are slugs of cities or ids of stops; times are of day at the boarding stop."""

    origin: str
    destination: str
    day: date
    since: time
    until: time | None
    passengers: int
    sort: str
    company_id: UUID | None
    seat_class: str | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A departure with room: the classes that have some, cheapest first, and what the cheapest seat costs."""

    key: Key
    departure: Row
    price_minor: int
    classes: tuple[str, ...]
    seats_left: int
    capacity: int


async def search(
    pool: Pool, question: Question, after: Key | None, limit: int
) -> tuple[list[Offer], Key | None]:
    """A page of offers, and the key to go on after if there are more.

    Raises ValidationFailed on from or to for a place that is not known.
    """
    if question.origin == question.destination:
        raise ValidationFailed({"to": ["Must be another place than from."]})
    async with pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as conn:
        offers = await _find(conn, question, after, limit + 1)
        if not offers:  # else there are both places
            await _check_places(conn, question)
    shown = offers[:limit]
    return shown, shown[-1].key if len(offers) > limit else None


async def _check_places(conn: Connection, question: Question) -> None:
    wanted = {"from": question.origin, "to": question.destination}
    stops = [stop for stop in map(stop_id_of, wanted.values()) if stop is not None]
    known = await repository.known_places(
        conn, [place for place in wanted.values() if stop_id_of(place) is None], stops
    )
    unknown = {
        name: ["There is no such place."] for name, place in wanted.items() if place.lower() not in known
    }
    if unknown:
        raise ValidationFailed(unknown)


def stop_id_of(place: str) -> UUID | None:
    """The stop that a place names by its id; None if it names a city."""
    if len(place) != 36:
        return None
    try:
        return UUID(place)
    except ValueError:
        return None


async def _find(conn: Connection, question: Question, after: Key | None, wanted: int) -> list[Offer]:
    exact = question.sort != "price"  # else the database's key is only the least that it could be
    position = after if exact else None
    size = wanted + SPARE
    found: list[Offer] = []
    while True:
        rows = await _departures(conn, question, position, size)
        offers = await _offers(conn, question, rows)
        found += [offer for offer in offers if after is None or offer.key > after]
        if len(rows) < size:
            break
        position = (rows[-1]["key"], rows[-1]["boards_at"], rows[-1]["trip_id"])
        if sum(offer.key <= position for offer in found) >= wanted:
            break
        size = min(size * 2, LARGEST_CHUNK)
    return sorted(found, key=lambda offer: offer.key)[:wanted]


async def _departures(conn: Connection, question: Question, after: Key | None, limit: int) -> list[Row]:
    from_stop, to_stop = stop_id_of(question.origin), stop_id_of(question.destination)
    return await repository.find_departures(
        conn,
        from_place=None if from_stop else question.origin,
        from_stop=from_stop,
        to_place=None if to_stop else question.destination,
        to_stop=to_stop,
        day=question.day,
        since=question.since,
        until=question.until,
        company_id=question.company_id,
        sort=question.sort,
        after=after,
        limit=limit,
    )


async def _offers(conn: Connection, question: Question, rows: list[Row]) -> Iterable[Offer]:
    """Those of the departures that have room for all passengers."""
    if not rows:
        return []
    seatings = await seatings_of(conn, {row["layout_id"] for row in rows})
    offers = (
        _offer(question, row, seatings[row["layout_id"]])
        for row in rows
        if row["layout_id"] in seatings  # one that has not been heard of yet has no seats to offer
    )
    return [offer for offer in offers if offer is not None]


def _offer(question: Question, row: Row, seating: Seating) -> Offer | None:
    free = seating.free(row["taken"])
    if question.seat_class is not None:
        free = {code: count for code, count in free.items() if code == question.seat_class}
    seats_left = sum(free.values())
    if seats_left < question.passengers:
        return None
    cheapest = next(iter(free))
    price_minor = seating.price(cheapest, row["sum_from"], row["sum_to"], step_of(row["currency"]))
    key = price_key(price_minor, row["currency"]) if question.sort == "price" else row["key"]
    return Offer(
        key=(key, row["boards_at"], row["trip_id"]),
        departure=row,
        price_minor=price_minor,
        classes=tuple(free),
        seats_left=seats_left,
        capacity=seating.capacity,
    )


def price_key(price_minor: int, currency: str) -> Decimal:
    """What offers are sorted by, and what a cursor says: major units, with two decimals at the most."""
    major = to_major(price_minor, currency)
    return major.quantize(Decimal(1).scaleb(max(-MOST_DECIMALS, -exponent(currency))))
