"""Dashboards: what a user, a company and the whole platform did, in numbers."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from common.database import transaction
from common.problems import NotFound, ValidationFailed
from legacy.queries import dashboards as queries
from legacy.rules.money import wire_money
from legacy.rules.periods import period

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from common.database import Pool
    from legacy.queries.dashboards import Row

UPCOMING: Final = 5
NOTHING: Final = Decimal(0)


async def of_user(pool: Pool, user_id: UUID) -> dict[str, Any]:
    """Journeys and spending of one user, as the wire has them."""
    async with transaction(pool, "repeatable_read", readonly=True) as conn:
        counts = await queries.count_trips(conn, user_id)
        months = await queries.spend_by_month(conn, user_id)
        upcoming = await queries.list_upcoming(conn, user_id, UPCOMING)
    return {
        "trips_taken": counts["taken"],
        "trips_upcoming": counts["upcoming"],
        "cancelled": counts["cancelled"],
        "spend": _sums((month["currency"], month["spend"]) for month in months),
        "upcoming": [
            {
                "booking_id": each["booking_id"],
                "reference": each["reference"],
                "trip_id": each["trip_id"],
                "from": _place(each["from_name"], each["from_city"]),
                "to": _place(each["to_name"], each["to_city"]),
                "departs_at": each["departs_at"],
                "time_zone": each["time_zone"],
                "seats": list(each["seats"]),
            }
            for each in upcoming
        ],
        "by_month": [
            {
                "month": month["month"],
                "trips": month["trips"],
                "spend": wire_money(month["spend"], month["currency"]),
            }
            for month in months
        ],
    }


async def of_company(pool: Pool, company_id: UUID, first: date | None, last: date | None) -> dict[str, Any]:
    """Sales and departures of a company in a period of its own days.

    Raises NotFound, or ValidationFailed on `from` or `to`.
    """
    async with transaction(pool, "repeatable_read", readonly=True) as conn:
        company = await queries.get_company(conn, company_id)
        if company is None:
            raise NotFound
        first, last = _period(first, last, company["today"])
        of_company = company_id, company["time_zone"], first, last
        sales = await queries.list_sales(conn, *of_company)
        refunds = {row["date"]: row["refunds"] for row in await queries.list_refunds(conn, *of_company)}
        departures = await queries.list_departures(conn, *of_company)
    currency = company["currency"]
    tickets = sum(row["tickets"] for row in sales)
    return {
        "from": first,
        "to": last,
        "totals": {
            "bookings": sum(row["bookings"] for row in sales),
            "tickets": tickets,
            "revenue": wire_money(_total(sales, "revenue"), currency),
            "refunds": wire_money(sum(refunds.values(), NOTHING), currency),
            "cancellation_rate": _rate(_total(sales, "cancelled"), tickets),
            "load_factor": _rate(_total(departures, "sold_legs"), _total(departures, "seat_legs")),
            "check_in_rate": _rate(_total(departures, "boarded"), _total(departures, "boarding")),
        },
        "by_day": _by_day(first, last, sales, refunds, currency),
        "by_route": _by_route(sales, departures, currency),
    }


async def of_platform(pool: Pool, first: date | None, last: date | None) -> dict[str, Any]:
    """Everything, company by company and day by day. Raises ValidationFailed on `from` or `to`."""
    async with transaction(pool, "repeatable_read", readonly=True) as conn:
        people = await queries.count_people(conn)
        first, last = _period(first, last, people["today"])
        sales = await queries.platform_sales(conn, first, last)
        companies = await queries.platform_departures(conn, first, last)
    by_company = _grouped(sales, "company_id")
    by_day = _grouped(sales, "date")
    return {
        "from": first,
        "to": last,
        "totals": {
            "users": people["users"],
            "companies": people["companies"],
            "departures": sum(company["departures"] for company in companies),
            "bookings": sum(row["bookings"] for row in sales),
            "tickets": sum(row["tickets"] for row in sales),
            "revenue": _sums((row["currency"], row["revenue"]) for row in sales),
            "refunds": _sums((row["currency"], row["refunds"]) for row in sales),
        },
        "by_company": [
            {
                "company_id": company["company_id"],
                "name": company["name"],
                "departures": company["departures"],
                "tickets": sum(row["tickets"] for row in by_company[company["company_id"]]),
                "revenue": wire_money(
                    _total(
                        (
                            row
                            for row in by_company[company["company_id"]]
                            if row["currency"] == company["currency"]
                        ),
                        "revenue",
                    ),
                    company["currency"],
                ),
            }
            for company in companies
        ],
        "by_day": [
            {
                "date": day,
                "bookings": sum(row["bookings"] for row in rows),
                "tickets": sum(row["tickets"] for row in rows),
                "revenue": _sums((row["currency"], row["revenue"]) for row in rows),
                "refunds": _sums((row["currency"], row["refunds"]) for row in rows),
            }
            for day, rows in by_day.items()
        ],
    }


def _by_day(
    first: date, last: date, sales: Sequence[Row], refunds: Mapping[date, Decimal], currency: str
) -> list[dict[str, Any]]:
    """Every day of the period, also those on which nothing was sold."""
    sold = _grouped(sales, "date")
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [
        {
            "date": day,
            "tickets": sum(row["tickets"] for row in sold.get(day, ())),
            "revenue": wire_money(_total(sold.get(day, ()), "revenue"), currency),
            "refunds": wire_money(refunds.get(day, NOTHING), currency),
        }
        for day in days
    ]


def _by_route(sales: Sequence[Row], departures: Sequence[Row], currency: str) -> list[dict[str, Any]]:
    """Routes with a sale or a departure, the best selling first."""
    sold = _grouped(sales, "route_id")
    departing = {row["route_id"]: row for row in departures}
    names = {row["route_id"]: row["name"] for row in (*sales, *departures)}
    earned = {route_id: _total(sold.get(route_id, ()), "revenue") for route_id in names}
    nothing = {"departures": 0, "sold_legs": 0, "seat_legs": 0}
    routes = []
    for route_id in sorted(names, key=lambda each: (-earned[each], names[each], each)):
        ran = departing.get(route_id, nothing)
        routes.append(
            {
                "route_id": route_id,
                "name": names[route_id],
                "departures": ran["departures"],
                "tickets": sum(row["tickets"] for row in sold.get(route_id, ())),
                "revenue": wire_money(earned[route_id], currency),
                "load_factor": _rate(Decimal(ran["sold_legs"]), ran["seat_legs"]),
            }
        )
    return routes


def _period(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    first, last, errors = period(first, last, today)
    if errors:
        raise ValidationFailed(errors)
    return first, last


def _place(name: str, city: str) -> str:
    return name if city.casefold() in name.casefold() else f"{name}, {city}"


def _total(rows: Iterable[Mapping[str, Any]], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


def _rate(part: Decimal, whole: Decimal | int) -> float | None:
    """A share to four decimals; of nothing there is none."""
    return round(float(part / whole), 4) if whole else None


def _sums(amounts: Iterable[tuple[str, Decimal]]) -> list[dict[str, Any]]:
    """Money by currency; currencies do not add up."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for currency, amount in amounts:
        totals[currency] += amount
    return [wire_money(total, currency) for currency, total in sorted(totals.items())]


def _grouped(rows: Sequence[Row], column: str) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups
