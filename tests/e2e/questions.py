"""What can be asked of demo data: for every GET route the addresses worth asking at both sides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Things = Mapping[str, list[str]]

# Each thing by examples that answers could differ for, as legacy has them.
_THINGS: Final[Mapping[str, str]] = {
    "company": "SELECT id FROM companies ORDER BY id LIMIT 2",
    "kaveri": "SELECT id FROM companies WHERE slug = 'kaveri-travels'",
    "layout": "SELECT id FROM layouts ORDER BY company_id, id LIMIT 3",
    "bus": "SELECT id FROM buses ORDER BY id LIMIT 2",
    "driver": "SELECT id FROM drivers ORDER BY user_id NULLS LAST, id LIMIT 2",
    "stop": "SELECT id FROM stops ORDER BY id LIMIT 2",
    "route": "SELECT id FROM routes ORDER BY id LIMIT 3",
    "user": "SELECT id FROM users WHERE email IN ('asha@demo.example', 'operator@kaveri.example')",
    "trip": """
        (SELECT t.id FROM trips t JOIN companies c ON c.id = t.company_id AND c.slug = 'kaveri-travels'
         WHERE t.departs_at > now() AND t.status = 'scheduled'
         ORDER BY (SELECT count(*) FROM tickets k WHERE k.trip_id = t.id AND k.status = 'confirmed') DESC
         LIMIT 3)
        UNION ALL
        (SELECT t.id FROM trips t JOIN companies c ON c.id = t.company_id AND c.slug = 'kaveri-travels'
         WHERE t.departs_at < now() - interval '1 day'
         ORDER BY (SELECT count(*) FROM scans s WHERE s.trip_id = t.id) DESC LIMIT 2)
        UNION ALL
        (SELECT t.id FROM trips t JOIN bookings b ON b.trip_id = t.id WHERE t.status = 'cancelled' LIMIT 1)
        UNION ALL
        (SELECT id FROM trips WHERE delay_min > 0 ORDER BY id LIMIT 1)
        UNION ALL
        (SELECT trip_id FROM bookings WHERE status = 'held' LIMIT 1)
    """,
    "booking": """
        SELECT id FROM (
            SELECT b.id, row_number() OVER (
                PARTITION BY b.status, u.email LIKE 'asha@%' ORDER BY b.id
            ) AS nth
            FROM bookings b JOIN users u ON u.id = b.user_id JOIN companies c ON c.id = b.company_id
            WHERE c.slug = 'kaveri-travels'
        ) each WHERE nth <= 2
    """,
    "ticket": """
        SELECT id FROM (
            SELECT k.id, row_number() OVER (PARTITION BY k.status, k.scanned_at IS NULL, t.status,
                                                         t.departs_at > now() ORDER BY k.id) AS nth
            FROM tickets k JOIN trips t ON t.id = k.trip_id JOIN companies c ON c.id = t.company_id
            WHERE c.slug = 'kaveri-travels'
        ) each WHERE nth <= 2
    """,
    "payment": """
        SELECT id FROM (
            SELECT p.id, row_number() OVER (
                PARTITION BY r.id IS NULL, u.email LIKE 'asha@%' ORDER BY p.id
            ) AS nth
            FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id
            JOIN companies c ON c.id = p.company_id AND c.slug = 'kaveri-travels'
            JOIN users u ON u.id = p.user_id
        ) each WHERE nth <= 2
    """,
    "paid_booking": "SELECT booking_id FROM payments ORDER BY id DESC LIMIT 2",
    "unknown": "SELECT '0197a000-0000-7000-8000-000000000000'",
}

_FIRST: Final = datetime.now(UTC).date()


def on(days: int) -> str:
    """A date, so many days from today."""
    return str(_FIRST + timedelta(days=days))


# Somebody who waits for seats, and has booked in as many ways as there are.
_WAITING: Final = """
    SELECT u.email FROM users u JOIN waitlist w ON w.user_id = u.id JOIN bookings b ON b.user_id = u.id
    GROUP BY u.id ORDER BY count(DISTINCT b.status) DESC, count(DISTINCT b.id) DESC, u.id LIMIT 1
"""


async def somebody_waiting(dsn: str) -> str:
    """The e-mail address of a passenger who is on a waiting list."""
    conn = await asyncpg.connect(dsn)
    try:
        return str(await conn.fetchval(_WAITING))
    finally:
        await conn.close()


async def things_of(dsn: str) -> dict[str, list[str]]:
    conn = await asyncpg.connect(dsn)
    try:
        return {name: [str(row[0]) for row in await conn.fetch(query)] for name, query in _THINGS.items()}
    finally:
        await conn.close()


def _of(template: str, *kinds: str, queries: tuple[str, ...] = ("",)) -> Callable[[Things], list[str]]:
    """The template with each thing of these kinds, and one that is nowhere, with each query."""

    def paths(things: Things) -> list[str]:
        ids = [each for kind in (*kinds, "unknown") for each in things[kind]]
        return [template.replace("*", each) + query for each in ids for query in queries]

    return paths


def _as(*paths: str) -> Callable[[Things], list[str]]:
    return lambda _things: list(paths)


_PERIODS: Final = (
    "",
    f"?from={on(-10)}&to={on(-1)}",
    f"?from={on(0)}&to={on(30)}",
    f"?from={on(1)}&to={on(0)}",
)
_PAIRS: Final = (
    "from=bengaluru&to=kochi",
    "from=bengaluru&to=chennai",
    "from=salem&to=coimbatore",
    "from=mumbai&to=goa",
    "from=mysuru&to=mysuru",
    "from=mysuru&to=atlantis",
)
_WISHES: Final = (
    "",
    "&passengers=3&sort=price",
    "&sort=duration&class=sleeper",
    "&after=12:00&before=22:00",
)
_SEARCHES: Final = tuple(f"search?{pair}&date={on(2)}{wish}" for pair in _PAIRS for wish in _WISHES)
_WORDS: Final = ("", "?q=ben", "?q=majestik", "?q=central", "?q=m&limit=20", "?q=goa&limit=3")

QUESTIONS: Final[Mapping[str, Callable[[Any], list[str]]]] = {
    # auth
    "GET /api/auth/me": _as("/api/auth/me"),
    "GET /api/auth/registration": _as("/api/auth/registration"),
    "GET /.well-known/jwks.json": _as("/.well-known/jwks.json"),
    "GET /api/users": lambda things: [
        "/api/users",
        "/api/users?limit=7",
        "/api/users?limit=5&q=asha",
        "/api/users?q=rao&limit=100",
        "/api/users?role=operator",
        "/api/users?role=nobody",
        f"/api/users?company_id={things['company'][0]}",
    ],
    "GET /api/users/{id}": _of("/api/users/*", "user"),
    "GET /api/companies/{id}/staff": _of("/api/companies/*/staff", "company", "kaveri"),
    "GET /session/renew": _as("/session/renew?next=/bookings", "/session/renew"),
    "GET /login": _as("/login", "/login?next=/bookings"),
    "GET /register": _as("/register"),
    "GET /account": _as("/account"),
    "GET /password-reset": _as("/password-reset"),
    "GET /password-reset/confirm": _as("/password-reset/confirm?token=nonsense", "/password-reset/confirm"),
    # user
    "GET /api/users/me": _as("/api/users/me"),
    "GET /api/users/me/travellers": _as("/api/users/me/travellers", "/api/users/me/travellers?limit=1"),
    "GET /api/users/me/dashboard": _as("/api/users/me/dashboard"),
    "GET /api/companies/{id}/dashboard": _of(
        "/api/companies/*/dashboard", "company", "kaveri", queries=_PERIODS
    ),
    "GET /api/dashboard": _as(*(f"/api/dashboard{period}" for period in _PERIODS)),
    "GET /profile": _as("/profile"),
    "GET /dashboard": _as("/dashboard"),
    "GET /admin": _as("/admin"),
    "GET /operator/sales": _as("/operator/sales"),
    # company
    "GET /api/companies": _as("/api/companies", "/api/companies?limit=3"),
    "GET /api/companies/{id}": _of("/api/companies/*", "company", "kaveri"),
    "GET /api/companies/{id}/layouts": _of("/api/companies/*/layouts", "kaveri", queries=("", "?limit=2")),
    "GET /api/layouts/{id}": _of("/api/layouts/*", "layout"),
    "GET /api/companies/{id}/buses": _of("/api/companies/*/buses", "kaveri", queries=("", "?limit=4")),
    "GET /api/buses/{id}": _of("/api/buses/*", "bus"),
    "GET /api/companies/{id}/drivers": _of("/api/companies/*/drivers", "kaveri", queries=("", "?limit=4")),
    "GET /api/drivers/{id}": _of("/api/drivers/*", "driver"),
    "GET /api/companies/{id}/stops": _of("/api/companies/*/stops", "kaveri", queries=("", "?limit=9")),
    "GET /api/stops/{id}": _of("/api/stops/*", "stop"),
    "GET /api/companies/{id}/routes": _of("/api/companies/*/routes", "kaveri", queries=("", "?limit=3")),
    "GET /api/routes/{id}": _of("/api/routes/*", "route"),
    "GET /api/companies/{id}/gtfs": _of("/api/companies/*/gtfs", "kaveri"),
    "GET /api/companies/{id}/gtfs/imports": _of("/api/companies/*/gtfs/imports", "kaveri"),
    "GET /api/companies/{id}/timetables": _of(
        "/api/companies/*/timetables", "kaveri", queries=("", f"?date={on(1)}")
    ),
    "GET /api/companies/{id}/trips": _of(
        "/api/companies/*/trips",
        "kaveri",
        queries=(
            f"?from={on(1)}&to={on(1)}",
            f"?from={on(-2)}&to={on(-1)}&status=cancelled",
            f"?from={on(1)}&to={on(3)}&limit=2",
        ),
    ),
    "GET /api/trips/{id}": _of("/api/trips/*", "trip"),
    "GET /api/trips/{id}/plan": _of("/api/trips/*/plan", "trip"),
    "GET /operator": _as("/operator"),
    "GET /operator/fleet": _as("/operator/fleet"),
    "GET /operator/drivers": _as("/operator/drivers"),
    "GET /operator/network": _as("/operator/network"),
    "GET /operator/schedule": _as("/operator/schedule", f"/operator/schedule?date={on(1)}"),
    "GET /operator/trips/{id}": _of("/operator/trips/*", "trip"),
    # ticketing
    "GET /api/places": _as(
        "/api/places",
        "/api/places?q=ben",
        "/api/places?q=majestik",
        "/api/places?q=central",
        "/api/places?q=m&limit=20",
        "/api/places?q=goa&limit=3",
    ),
    "GET /api/search": _as(*(f"/api/{each}" for each in _SEARCHES)),
    "GET /api/trips/{id}/seats": _of(
        "/api/trips/*/seats", "trip", queries=("", "?from=0&to=2", "?from=1&to=3", "?from=3&to=1")
    ),
    "GET /api/bookings": _as(
        "/api/bookings",
        "/api/bookings?limit=1",
        "/api/bookings?when=upcoming",
        "/api/bookings?when=past",
        "/api/bookings?status=confirmed",
        "/api/bookings?status=cancelled",
        "/api/bookings?status=lost",
    ),
    "GET /api/bookings/{id}": _of("/api/bookings/*", "booking"),
    "GET /api/tickets/{id}": _of("/api/tickets/*", "ticket"),
    "GET /api/tickets/{id}.pdf": _of("/api/tickets/*.pdf", "ticket"),
    "GET /api/trips/{id}/manifest": _of(
        "/api/trips/*/manifest", "trip", queries=("", "?format=csv", "?format=pdf")
    ),
    "GET /api/waitlist": _as("/api/waitlist", "/api/waitlist?limit=1"),
    "GET /": _as("/"),
    "GET /search": _as(*(f"/{each}" for each in _SEARCHES[:6])),
    "GET /trips/{id}": _of("/trips/*", "trip"),
    "GET /bookings": _as("/bookings"),
    "GET /bookings/{id}": _of("/bookings/*", "booking"),
    # qr
    "GET /api/tickets/{id}/qr": _of(
        "/api/tickets/*/qr", "ticket", queries=("", "?format=svg", "?format=png")
    ),
    "GET /api/qr/keys": _as("/api/qr/keys"),
    "GET /api/trips/{id}/offline-list": _of("/api/trips/*/offline-list", "trip"),
    "GET /api/trips/{id}/check-ins": _of("/api/trips/*/check-ins", "trip", queries=("", "?limit=3")),
    "GET /scan": _as("/scan"),
    "GET /tickets/{id}": _of("/tickets/*", "ticket"),
    # payment
    "GET /api/payments": lambda things: [
        "/api/payments",
        "/api/payments?limit=1",
        *(f"/api/payments?booking_id={each}" for each in things["paid_booking"] + things["booking"]),
    ],
    "GET /api/payments/{id}": _of("/api/payments/*", "payment"),
    "GET /api/ledger": lambda things: [
        "/api/ledger?limit=20",
        "/api/ledger?account=provider:sandbox&limit=5",
        *(f"/api/ledger?account=company:{each}" for each in things["company"]),
        *(f"/api/ledger?payment_id={each}" for each in things["payment"]),
    ],
    "GET /checkout/{payment_id}": _of("/checkout/*", "payment"),
}
