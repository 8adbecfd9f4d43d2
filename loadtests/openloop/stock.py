"""What routes are asked for: lists of subjects, from the pools or asked of the site beforehand.

All take the cast, and how many are wanted where each is good for one request only.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlencode

from loadtests.openloop import sales
from loadtests.openloop.cast import Cast, Subject, in_turns

if TYPE_CHECKING:
    from loadtests.pools import Person, Staff

Gather: TypeAlias = Callable[[Cast, int], Awaitable[list[Subject]]]

PEOPLE: Final = 60
"""So many passengers ask, at most: each may have to log in first."""
HELD: Final = 12
TRAVELLERS_EACH: Final = 20
SCANS: Final = 20
_SEARCHES_EACH: Final = 6
_SORTS: Final = ("departure", "price", "duration")
_MOST: Final = 300


async def nobody(_cast: Cast, _count: int) -> list[Subject]:  # ruff: ignore[unused-async] — as those that have to ask
    return [Subject()]


async def passengers(cast: Cast, _count: int) -> list[Subject]:
    people = _passengers(cast)
    await cast.signed_in(people)
    return [Subject(person, person["id"]) for person in people]


async def admin(cast: Cast, _count: int) -> list[Subject]:
    await cast.signed_in([cast.pools["admin"]])
    return [Subject(cast.pools["admin"])]


async def users(cast: Cast, _count: int) -> list[Subject]:
    """Each as the admin looks them up."""
    await cast.signed_in([cast.pools["admin"]])
    people: list[Person] = [*cast.pools["passengers"], *cast.pools["operators"], *cast.pools["inspectors"]]
    return [Subject(cast.pools["admin"], person["id"], person) for person in people]


async def operators(cast: Cast, _count: int) -> list[Subject]:
    """Each with their company."""
    await cast.signed_in(cast.pools["operators"])
    return [Subject(person, person["company_id"]) for person in cast.pools["operators"]]


async def companies(cast: Cast, _count: int) -> list[Subject]:  # ruff: ignore[unused-async] — as those that have to ask
    return [Subject(None, company) for company in cast.pools["companies"]]


async def places(cast: Cast, _count: int) -> list[Subject]:  # ruff: ignore[unused-async] — as those that have to ask
    """Beginnings of names, as somebody types them."""
    names = {place for route in cast.pools["routes"] for place in (route["from"], route["to"])}
    typed = {name[:length].replace("-", " ") for name in names for length in range(1, min(len(name), 9) + 1)}
    return [Subject(None, urlencode({"q": text})) for text in sorted(typed)]


async def searches(cast: Cast, _count: int) -> list[Subject]:  # ruff: ignore[unused-async] — as those that have to ask
    return [
        Subject(None, urlencode({**route, "passengers": cast.dice.choice((1, 1, 1, 2, 3)), "sort": sort}))
        for route in cast.pools["routes"]
        for sort in cast.dice.choices(_SORTS, (4, 1, 1), k=_SEARCHES_EACH)
    ]


async def trips(cast: Cast, _count: int) -> list[Subject]:  # ruff: ignore[unused-async] — as those that have to ask
    return [Subject(None, trip["trip_id"], trip) for trip in cast.pools["trips"]]


async def stretches(cast: Cast, _count: int) -> list[Subject]:  # ruff: ignore[unused-async] — as those that have to ask
    """Departures with the query that names the stretch, asked by nobody."""
    return [
        Subject(None, trip["trip_id"], urlencode({"from": trip["from_seq"], "to": trip["to_seq"]}))
        for trip in cast.pools["trips"]
    ]


async def trips_of_operators(cast: Cast, _count: int) -> list[Subject]:
    return await _trips_of(cast, cast.pools["operators"])


async def trips_to_delay(cast: Cast, _count: int) -> list[Subject]:
    """Departures of operators; `more` is what has been told of each so far."""

    async def told(trip: Subject) -> Subject:
        found = await cast.get(f"/api/trips/{trip.id}", trip.by)
        return trip._replace(more={"delay_min": found["delay_min"]})

    return await in_turns(await trips_of_operators(cast, 0), told)


async def people_with_phones(cast: Cast, _count: int) -> list[Subject]:
    """`more` is the number that each has had so far, or none."""

    async def had(person: Subject) -> Subject:
        return person._replace(more={"phone": (await cast.get("/api/users/me", person.by))["phone"]})

    return await in_turns(await passengers(cast, 0), had)


async def trips_that_board(cast: Cast, _count: int) -> list[Subject]:
    """Those of the tickets that are scanned."""
    by = await _inspectors(cast)
    found = {(each["trip_id"], each["company_id"]) for each in cast.pools["boarding"]}
    return [Subject(by[company], trip) for trip, company in sorted(found) if company in by]


async def layouts(cast: Cast, _count: int) -> list[Subject]:
    return await _of_companies(cast, "layouts")


async def buses(cast: Cast, _count: int) -> list[Subject]:
    return await _of_companies(cast, "buses")


async def drivers(cast: Cast, _count: int) -> list[Subject]:
    return await _of_companies(cast, "drivers")


async def stops(cast: Cast, _count: int) -> list[Subject]:
    return await _of_companies(cast, "stops")


async def routes(cast: Cast, _count: int) -> list[Subject]:
    return await _of_companies(cast, "routes")


async def bookings(cast: Cast, _count: int) -> list[Subject]:
    return await _belongings(cast, "bookings")


async def payments(cast: Cast, _count: int) -> list[Subject]:
    return await _belongings(cast, "payments")


async def tickets(cast: Cast, _count: int) -> list[Subject]:
    """Good ones, asked for by their passengers."""
    return await _belongings(cast, "tickets")


async def cancellable(cast: Cast, _count: int) -> list[Subject]:
    """Paid bookings whose bus does not leave soon and that nobody has boarded with."""
    soon = datetime.now(UTC) + sales.NOT_TOO_SOON

    async def of(person: Subject) -> list[Subject]:
        found = await cast.get("/api/bookings?status=confirmed&when=upcoming", person.by)
        return [
            Subject(person.by, booking["id"])
            for booking in found["items"]
            if datetime.fromisoformat(booking["from"]["departs_at"]) > soon
            and not any(ticket["checked_in_at"] for ticket in booking["tickets"])
        ]

    return [each for some in await in_turns(await passengers(cast, 0), of) for each in some]


async def scans(cast: Cast, _count: int) -> list[Subject]:
    """Codes of tickets that board now, shown to an inspector of their company."""
    by = await _inspectors(cast)
    return [
        Subject(by[each["company_id"]], each["ticket_id"], each)
        for each in cast.pools["boarding"]
        if each["company_id"] in by
    ]


async def batches(cast: Cast, _count: int) -> list[Subject]:
    """Lots of codes that one inspector brings at once."""
    by_company: dict[str, list[Subject]] = {}
    for scan in await scans(cast, 0):
        by_company.setdefault(scan.more["company_id"], []).append(scan)
    return [
        Subject(cast.dice.choice(those).by, "", [each.more for each in cast.some(those, SCANS)])
        for those in by_company.values()
        for _ in range(SCANS)
    ]


async def orders(cast: Cast, count: int) -> list[Subject]:
    return await sales.orders(cast, count)


async def holds(cast: Cast, count: int) -> list[Subject]:
    return await sales.hold(cast, count)


async def open_payments(cast: Cast, count: int) -> list[Subject]:
    return await sales.open_payments(cast, await sales.hold(cast, count or HELD))


async def fresh_codes(cast: Cast, count: int) -> list[Subject]:
    """Codes that nobody has scanned, of tickets bought for it."""
    lots = -(-count // sales.SEATS_EACH)
    sold = await sales.confirmed(cast, await sales.hold(cast, lots, each=sales.SEATS_EACH, boarding=True))
    by = await _inspectors(cast)

    async def code(ticket: tuple[Subject, Any]) -> Subject:
        booking, found = ticket
        qr = await cast.get(f"/api/tickets/{found['id']}/qr?format=json", booking.by)
        more = {"token": qr["token"], "trip_id": found["trip_id"]}
        return Subject(by[booking.more["company_id"]], found["id"], more)

    all_tickets = [
        (booking, ticket)
        for booking in sold
        if booking.more["company_id"] in by
        for ticket in booking.more["tickets"]
    ]
    return await in_turns(all_tickets, code)


async def sessions(cast: Cast, _count: int) -> list[Subject]:
    """Sessions of their own, so that the pools' refresh tokens stay good; `more` is the token to use next."""

    async def one(person: Person) -> Subject:
        return Subject(None, person["id"], (await cast.log_in(person["email"]))["refresh_token"])

    return await in_turns(_passengers(cast), one)


async def room_for_travellers(cast: Cast, count: int) -> list[Subject]:
    """Each passenger as often as they may keep another traveller."""

    async def room(person: Subject) -> list[Subject]:
        kept = await cast.get("/api/users/me/travellers?limit=100", person.by)
        return [person] * (TRAVELLERS_EACH - len(kept["items"]))

    all_of_them = [each for some in await in_turns(await passengers(cast, 0), room) for each in some]
    return cast.some(all_of_them, count)


def _passengers(cast: Cast) -> list[Person]:
    """Those with the most to ask for come first: a list of bookings should have bookings."""
    order = sorted(cast.pools["passengers"], key=lambda person: (-len(person["tickets"]), person["id"]))
    return list(order[:PEOPLE])


async def _inspectors(cast: Cast) -> dict[str, Staff]:
    await cast.signed_in(cast.pools["inspectors"])
    return {person["company_id"]: person for person in cast.pools["inspectors"]}


async def _trips_of(cast: Cast, staff: list[Staff]) -> list[Subject]:
    await cast.signed_in(staff)
    by = {person["company_id"]: person for person in staff}
    return [
        Subject(by[trip["company_id"]], trip["trip_id"], trip)
        for trip in cast.pools["trips"]
        if trip["company_id"] in by
    ]


async def _of_companies(cast: Cast, what: str) -> list[Subject]:
    """The things of each company whose operator is in the pools."""

    async def of(company: Subject) -> list[Subject]:
        found = await cast.pages(f"/api/companies/{company.id}/{what}", company.by, most=_MOST)
        return [Subject(company.by, each["id"]) for each in found]

    return [each for some in await in_turns(await operators(cast, 0), of) for each in some]


async def _belongings(cast: Cast, what: str) -> list[Subject]:
    people = await passengers(cast, 0)
    # `what` is one of the lists that every passenger has, which a typed dictionary cannot be told
    return [Subject(each.by, thing) for each in people for thing in each.by[what]]  # type: ignore[index,literal-required]


def period(days_ago: int, days: int) -> str:
    last = datetime.now(UTC).date() - timedelta(days=days_ago)
    return urlencode({"from": last - timedelta(days=days), "to": last})
