"""What can be searched for and bought: stretches that buses run soon, and departures with seats."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from zoneinfo import ZoneInfo

from loadtests.pools.choosing import chosen
from loadtests.pools.document import Stretch, Wanted
from loadtests.pools.site import RefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from loadtests.pools.gathering import Order
    from loadtests.pools.site import Site

T = TypeVar("T")

SEARCHES: Final = 120
DAYS_AHEAD: Final = 7
FEWEST_SEATS: Final = 6
_ROUTES_EACH: Final = 100
_STOPS_EACH: Final = 1000


class All(Protocol):
    """Asks many things, and answers in their order."""

    async def __call__(self, asking: Iterable[Awaitable[T]], /) -> list[T]: ...


async def find_wanted_stretches(
    site: Site, all_of: All, companies: list[str], order: Order
) -> tuple[list[Stretch], list[Any]]:
    """Searches that find something, by rank, and the offers that they found."""

    async def of(company_id: str) -> tuple[list[Any], list[Any]]:
        return (
            await site.pages(f"/api/companies/{company_id}/routes", most=_ROUTES_EACH),
            await site.pages(f"/api/companies/{company_id}/stops", most=_STOPS_EACH),
        )

    pairs: set[tuple[str, str, str]] = set()
    for routes, stops in await all_of(map(of, companies)):
        pairs |= _pairs(routes, {stop["id"]: stop for stop in stops})
    candidates = [(pair, days) for pair in pairs for days in range(DAYS_AHEAD)]

    async def search(candidate: tuple[tuple[str, str, str], int]) -> tuple[Stretch, list[Any]]:
        (origin, destination, zone), days = candidate
        day = order.now.astimezone(ZoneInfo(zone)).date() + timedelta(days=days)
        stretch: Stretch = {"from": origin, "to": destination, "date": day.isoformat()}
        return stretch, (await site.get("/api/search", None, limit=100, **stretch))["items"]

    found = await all_of(map(search, chosen(candidates, SEARCHES, order.seed, lambda each: each)))
    theirs = [
        (stretch, [offer for offer in offers if offer["company_id"] in companies])
        for stretch, offers in found
    ]
    return (
        [stretch for stretch, offers in theirs if offers],
        [offer for _, offers in theirs for offer in offers],
    )


def _pairs(routes: list[Any], stops: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Place, later place, and the time zone of the first, on routes that buses run."""
    found = set()
    for route in routes:
        if route["status"] == "active":
            calls = [stops[call["stop_id"]] for call in route["stops"]]
            found |= {
                (one["place"], other["place"], one["time_zone"])
                for one, other in combinations(calls, 2)
                if one["place"] != other["place"]
            }
    return found


async def find_trips(site: Site, all_of: All, offers: list[Any], count: int, seed: int) -> list[Wanted]:
    """Departures by rank, each on one stretch, with the names of the seats that are free on it."""
    by_trip: dict[str, list[Any]] = {}
    for offer in offers:
        by_trip.setdefault(offer["trip_id"], []).append(offer)
    one_each = [
        chosen(those, 1, seed, lambda offer: (offer["from"]["seq"], offer["to"]["seq"]))[0]
        for those in by_trip.values()
    ]

    async def look(offer: Any) -> Wanted | None:
        from_seq, to_seq = offer["from"]["seq"], offer["to"]["seq"]
        try:
            seats = await site.get(
                f"/api/trips/{offer['trip_id']}/seats", None, **{"from": from_seq, "to": to_seq}
            )
        except RefusedError as refused:
            if refused.status != 404:
                raise
            return None
        free = [seat["seat"] for seat in seats["seats"] if seat["state"] == "free"]
        if len(free) < FEWEST_SEATS:
            return None
        return Wanted(
            trip_id=offer["trip_id"],
            company_id=offer["company_id"],
            from_seq=from_seq,
            to_seq=to_seq,
            departs_at=offer["from"]["departs_at"],
            seats=free,
        )

    some = chosen(one_each, count, seed, itemgetter("trip_id"))
    return [each for each in await all_of(map(look, some)) if each is not None]
