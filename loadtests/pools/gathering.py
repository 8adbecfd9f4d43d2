"""From an address and a seed to pools: whom and what a load test works with.

Everything is read through the public API, as the admin where it takes one. What is chosen comes by rank (see
`choosing`), so the same data and seed give the same pools on either side.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

import aiohttp

from loadtests.pools.choosing import chosen
from loadtests.pools.departures import find_trips, find_wanted_stretches
from loadtests.pools.document import FORMAT, Boarding, Passenger, Person, Pools, PoolsError, Staff, Wanted
from loadtests.pools.site import RefusedError, Site

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

COMPANIES: Final = 8
INSPECTORS_EACH: Final = 2
TRIPS: Final = 120
ONE_HOT_IN: Final = 30
FEWEST_HOT: Final = 2
BOARDING: Final = 300
BOARDS_WITHIN: Final = timedelta(hours=20)
"""A code is good from 24 h before its departure; the load goes on for a while after this."""
BOARDED_SINCE: Final = timedelta(hours=2)
STRANGERS: Final = 5
"""So many may have another password than the demo's: each costs a failure, and those are throttled."""
_PASSENGERS_LOOKED_AT: Final = 2000
_COMPANIES_LOOKED_AT: Final = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted; `now` is given so that nothing else asks the clock."""

    host: str
    people: int
    seed: int
    admin_email: str
    admin_password: str
    password: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


async def gather(order: Order, progress: Callable[[int, int], None], say: Callable[[str], None]) -> Pools:
    """Raises PoolsError if the site does not answer, or has no demo data."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        return await _Gathering(order, Site(session, order.host, say), progress).pools()


class _Gathering:
    def __init__(self, order: Order, site: Site, progress: Callable[[int, int], None]) -> None:
        self._order, self._site, self._progress = order, site, progress
        self._done = self._of = self._strangers = 0
        self._admin: Person

    async def pools(self) -> Pools:
        order = self._order
        self._admin = await self._site.log_in(order.admin_email, order.admin_password)
        companies = await self._companies()
        operators = await self._staff("operator", companies, 1)
        inspectors = await self._staff("inspector", companies, INSPECTORS_EACH)
        passengers = await self._passengers()
        if not (operators and inspectors and passengers):
            raise PoolsError(f"{order.host} has no demo data: fill it with `./banyan demo`, or by `make run`")
        stretches, trips = await self._departures(companies)
        if not trips:
            raise PoolsError(f"{order.host} sells no departures in the days to come")
        return Pools(
            format=FORMAT,
            host=order.host,
            seed=order.seed,
            passengers=passengers,
            operators=operators,
            inspectors=inspectors,
            admin=self._admin,
            routes=stretches,
            trips=trips,
            hot_trips=self._hot(trips),
            boarding=await self._boarding(inspectors),
            companies=companies,
        )

    async def _companies(self) -> list[str]:
        found = await self._site.pages("/api/companies", most=_COMPANIES_LOOKED_AT)
        ids = [company["id"] for company in found if company["status"] == "active"]
        return chosen(ids, COMPANIES, self._order.seed, str)

    async def _staff(self, role: str, companies: list[str], each: int) -> list[Staff]:
        async def of(company_id: str) -> list[Any]:
            found = await self._site.pages(
                "/api/users", self._admin, most=100, role=role, company_id=company_id
            )
            return self._first_active(found, each)

        users = [user for some in await self._all(map(of, companies)) for user in some]
        people = await self._log_in(users)
        return [Staff(**person, company_id=user["company_id"]) for user, person in people]

    async def _passengers(self) -> list[Passenger]:
        found = await self._site.pages(
            "/api/users", self._admin, most=_PASSENGERS_LOOKED_AT, role="passenger", q="@demo.example"
        )
        people = await self._log_in(self._first_active(found, self._order.people))
        return await self._all(self._with_belongings(person) for _, person in people)

    def _first_active(self, users: list[Any], count: int) -> list[Any]:
        active = (user for user in users if user["status"] == "active")
        return chosen(active, count, self._order.seed, itemgetter("id"))

    async def _log_in(self, users: list[Any]) -> list[tuple[Any, Person]]:
        """Those of them who have the demo's password."""

        async def one(user: Any) -> tuple[Any, Person] | None:
            try:
                return user, await self._site.log_in(user["email"], self._order.password)
            except RefusedError as refused:
                self._strangers += 1
                if refused.status != 401:
                    raise
                if self._strangers > STRANGERS:
                    raise PoolsError(
                        f"{self._order.host} has few people of the demo: more than {STRANGERS} have another "
                        "password. Fill it with `./banyan demo`, or try one that `make run` has filled"
                    ) from None
                return None

        return [each for each in await self._all(map(one, users)) if each is not None]

    async def _with_belongings(self, person: Person) -> Passenger:
        bookings = (await self._site.get("/api/bookings", person))["items"]
        return Passenger(
            **person,
            bookings=[booking["id"] for booking in bookings],
            payments=[booking["payment_id"] for booking in bookings if booking["payment_id"]],
            tickets=[
                ticket["id"]
                for booking in bookings
                for ticket in booking["tickets"]
                if ticket["status"] == "confirmed"
            ],
        )

    async def _departures(self, companies: list[str]) -> tuple[list[Any], list[Wanted]]:
        stretches, offers = await find_wanted_stretches(self._site, self._all, companies, self._order)
        return stretches, await find_trips(self._site, self._all, offers, TRIPS, self._order.seed)

    def _hot(self, trips: list[Wanted]) -> list[Wanted]:
        """Those that many will want: by rank among those that leave no sooner than tomorrow."""
        tomorrow = (self._order.now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        later = [trip for trip in trips if trip["departs_at"] > tomorrow] or trips
        count = max(FEWEST_HOT, len(trips) // ONE_HOT_IN)
        return chosen(later, count, self._order.seed, lambda trip: ("hot", trip["trip_id"]))

    async def _boarding(self, inspectors: list[Staff]) -> list[Boarding]:
        by = {person["company_id"]: person for person in inspectors}
        manifests = await self._all(self._manifests(person) for person in by.values())
        tickets = [ticket for some in manifests for ticket in some]
        some = chosen(tickets, BOARDING, self._order.seed, itemgetter(0))

        async def code(ticket: tuple[str, str, str, int]) -> Boarding | None:
            ticket_id, trip_id, company_id, from_seq = ticket
            try:
                qr = await self._site.get(f"/api/tickets/{ticket_id}/qr", by[company_id], format="json")
            except RefusedError as refused:
                if refused.status != 409:
                    raise
                return None  # cancelled since the manifest was made
            return Boarding(
                ticket_id=ticket_id,
                trip_id=trip_id,
                company_id=company_id,
                from_seq=from_seq,
                token=qr["token"],
            )

        return [each for each in await self._all(map(code, some)) if each is not None]

    async def _manifests(self, inspector: Staff) -> list[tuple[str, str, str, int]]:
        """Ticket, departure, company and stop of those who board one company's buses soon."""
        now, company_id = self._order.now, inspector["company_id"]
        first, last = now - BOARDED_SINCE, now + BOARDS_WITHIN
        days = {"from": (first - timedelta(days=1)).date(), "to": (last + timedelta(days=1)).date()}
        trips = await self._site.pages(f"/api/companies/{company_id}/trips", inspector, most=1000, **days)
        tickets = []
        for trip in trips:
            boards = {
                stop["seq"]: datetime.fromisoformat(stop["departs_at"]) + timedelta(minutes=trip["delay_min"])
                for stop in trip["stops"]
            }
            if trip["status"] != "scheduled" or not any(first <= at <= last for at in boards.values()):
                continue
            manifest = await self._site.get(f"/api/trips/{trip['id']}/manifest", inspector, format="json")
            tickets += [
                (each["ticket_id"], trip["id"], company_id, each["from_seq"])
                for each in manifest["passengers"]
                if each["status"] == "confirmed"
                and each["checked_in_at"] is None
                and first <= boards[each["from_seq"]] <= last
            ]
        return tickets

    async def _all(self, asking: Iterable[Awaitable[T]]) -> list[T]:
        """Everything at once as far as the site's turns allow, told to `progress` one by one."""

        async def counted(one: Awaitable[T]) -> T:
            answer = await one
            self._done += 1
            self._progress(self._done, self._of)
            return answer

        these = [counted(one) for one in asking]
        self._of += len(these)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in these]
        return [task.result() for task in tasks]
