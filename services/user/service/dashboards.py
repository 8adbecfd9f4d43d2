"""Dashboards: what a user, a company and the whole platform did, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from common.database import transaction
from common.instants import format_instant, parse_instant
from common.money import money
from common.problems import NotFound, ValidationFailed
from services.user.domain import days_of, period, place_name, share, sums
from services.user.repository import dashboards as repository
from services.user.repository import mirrors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from common.database import Pool
    from services.user.repository.dashboards import Row

    AskCompany = Callable[[UUID], Awaitable[Mapping[str, Any] | None]]
    """Asks the owner of companies for one."""

UPCOMING: Final = 5
COUNTED_AT_ONCE: Final = 500


async def of_user(pool: Pool, user_id: UUID) -> dict[str, Any]:
    """Journeys and spending of one user, as the wire has them."""
    seen = await repository.get_journeys(pool, user_id, UPCOMING)
    months = seen["months"] or ()
    return {
        "trips_taken": seen["taken"],
        "trips_upcoming": seen["upcoming"],
        "cancelled": seen["cancelled"],
        "spend": sums((month["currency"], month["spend_minor"]) for month in months),
        "upcoming": [
            {
                "booking_id": each["booking_id"],
                "reference": each["reference"],
                "trip_id": each["trip_id"],
                "from": place_name(each["from_name"], each["from_city"]),
                "to": place_name(each["to_name"], each["to_city"]),
                "departs_at": format_instant(parse_instant(each["departs_at"])),
                "time_zone": each["time_zone"],
                "seats": each["seats"],
            }
            for each in seen["next"] or ()
        ],
        "by_month": [
            {
                "month": month["month"],
                "trips": month["trips"],
                "spend": money(month["spend_minor"], month["currency"]),
            }
            for month in months
        ],
    }


async def count_what_is_told(pool: Pool) -> int:
    """Count the days that news has touched, so that whoever reads next need not; answers whether any were."""
    if not await repository.has_stale_days(pool):
        return 0
    await _count(pool, None)
    return 1


async def _count(pool: Pool, company_id: UUID | None) -> None:
    """In turns that each end in time, and let others have theirs, however much was touched."""
    while await repository.count_stale_days(pool, company_id, COUNTED_AT_ONCE) == COUNTED_AT_ONCE:
        pass


async def find_company(pool: Pool, company_id: UUID, ask: AskCompany) -> Row:
    """A company and what day it is there; one that was made a moment ago is asked for. Raises NotFound."""
    company = await repository.get_company(pool, company_id)
    if company is not None:
        return company
    told = await ask(company_id)
    if told is None:
        raise NotFound
    read = {name: told[name] for name in ("id", "name", "time_zone", "currency", "status")}
    async with transaction(pool) as conn:
        await mirrors.take_turn_to_count(conn)
        await mirrors.store_companies(conn, [{**read, "source_seq": 0}])
        company = await repository.get_company(conn, company_id)
    if company is None:
        raise NotFound
    return company


async def of_company(pool: Pool, company: Row, first: date | None, last: date | None) -> dict[str, Any]:
    """Sales and departures of a company in a period of its own days.

    Raises ValidationFailed on `from` or `to`.
    """
    first, last = _period(first, last, company["today"])
    if company["is_stale"]:
        await _count(pool, company["id"])
    sales = await repository.list_sales(pool, company["id"], first, last)
    departures = await repository.list_departures(pool, company["id"], first, last, company["today"])
    currency = company["currency"]
    by_day = [row for row in sales if row["day"] is not None]
    tickets = _total(by_day, "tickets")
    return {
        "from": first,
        "to": last,
        "totals": {
            "bookings": _total(by_day, "bookings"),
            "tickets": tickets,
            "revenue": money(_total(by_day, "revenue_minor"), currency),
            "refunds": money(_total(by_day, "refunds_minor"), currency),
            "cancellation_rate": share(_total(by_day, "cancelled"), tickets),
            "load_factor": share(_total(departures, "sold_legs"), _total(departures, "seat_legs")),
            "check_in_rate": share(_total(departures, "boarded"), _total(departures, "boarding")),
        },
        "by_day": _company_days(first, last, by_day, currency),
        "by_route": _company_routes([row for row in sales if row["day"] is None], departures, currency),
    }


async def of_platform(pool: Pool, first: date | None, last: date | None) -> dict[str, Any]:
    """Everything, company by company and day by day. Raises ValidationFailed on `from` or `to`."""
    people = await repository.count_people(pool)
    first, last = _period(first, last, people["today"])
    if people["is_stale"]:
        await _count(pool, None)
    sales = await repository.platform_sales(pool, first, last)
    companies = await repository.platform_departures(pool, first, last)
    by_day = [row for row in sales if row["day"] is not None]
    return {
        "from": first,
        "to": last,
        "totals": {
            "users": people["users"],
            "companies": len(companies),
            "departures": _total(companies, "departures"),
            "bookings": _total(by_day, "bookings"),
            "tickets": _total(by_day, "tickets"),
            "revenue": sums((row["currency"], row["revenue_minor"]) for row in by_day),
            "refunds": sums((row["currency"], row["refunds_minor"]) for row in by_day),
        },
        "by_company": _platform_companies(companies, [row for row in sales if row["day"] is None]),
        "by_day": _platform_days(by_day),
    }


def _company_days(first: date, last: date, rows: Sequence[Row], currency: str) -> list[dict[str, Any]]:
    """Every day of the period, also those on which nothing was sold."""
    days = {day: [0, 0, 0] for day in days_of(first, last)}
    for row in rows:
        day = days[row["day"]]
        day[0] += row["tickets"]
        day[1] += row["revenue_minor"]
        day[2] += row["refunds_minor"]
    return [
        {
            "date": day,
            "tickets": tickets,
            "revenue": money(revenue_minor, currency),
            "refunds": money(refunds_minor, currency),
        }
        for day, (tickets, revenue_minor, refunds_minor) in days.items()
    ]


def _company_routes(sales: Sequence[Row], departures: Sequence[Row], currency: str) -> list[dict[str, Any]]:
    """Routes with a sale or a departure, the best selling first."""
    sold = {row["route_id"]: row for row in sales}
    ran = {row["route_id"]: row for row in departures}
    names = {row["route_id"]: row["name"] for row in (*sales, *departures) if row["name"] is not None}
    routes = [
        {
            "route_id": route_id,
            "name": name,
            "departures": ran[route_id]["departures"] if route_id in ran else 0,
            "tickets": sold[route_id]["tickets"] if route_id in sold else 0,
            "revenue": money(sold[route_id]["revenue_minor"] if route_id in sold else 0, currency),
            "load_factor": share(ran[route_id]["sold_legs"], ran[route_id]["seat_legs"])
            if route_id in ran
            else None,
        }
        for route_id, name in names.items()
    ]
    return sorted(routes, key=lambda each: (-each["revenue"]["amount"], each["name"], each["route_id"]))


def _platform_companies(companies: Sequence[Row], sales: Sequence[Row]) -> list[dict[str, Any]]:
    """Every company by name; its revenue in its own currency."""
    tickets: dict[UUID, int] = {}
    revenue: dict[tuple[UUID, str], int] = {}
    for row in sales:
        tickets[row["company_id"]] = tickets.get(row["company_id"], 0) + row["tickets"]
        revenue[row["company_id"], row["currency"]] = row["revenue_minor"]
    return [
        {
            "company_id": each["company_id"],
            "name": each["name"],
            "departures": each["departures"],
            "tickets": tickets.get(each["company_id"], 0),
            "revenue": money(revenue.get((each["company_id"], each["currency"]), 0), each["currency"]),
        }
        for each in companies
    ]


def _platform_days(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The days with a sale or a refund."""
    days: dict[date, list[Row]] = {}
    for row in rows:
        days.setdefault(row["day"], []).append(row)
    return [
        {
            "date": day,
            "bookings": _total(each, "bookings"),
            "tickets": _total(each, "tickets"),
            "revenue": sums((row["currency"], row["revenue_minor"]) for row in each),
            "refunds": sums((row["currency"], row["refunds_minor"]) for row in each),
        }
        for day, each in sorted(days.items())
    ]


def _period(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    first, last, errors = period(first, last, today)
    if errors:
        raise ValidationFailed(errors)
    return first, last


def _total(rows: Sequence[Row], column: str) -> int:
    return sum(row[column] for row in rows)
