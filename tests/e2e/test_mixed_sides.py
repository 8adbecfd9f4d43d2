"""While routes are on different sides a client notices nothing: what one side gives is good on the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest
from redis.asyncio import Redis

from strangler.cli.proxies import wait_for_version
from strangler.routing.changes import change_flags
from strangler.routing.flags import LEGACY, Flag
from strangler.routing.table import load_table
from tests.contract.client import Client
from tests.contract.world import World, confirmed, in_hours, qr_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strangler.routing.table import RouteTable
    from tests.stack import RunningStack

DOMAINS = ("auth", "user", "company", "ticketing", "qr", "payment")
# Asked as they stand, by anybody: their answers need no rows of the other side.
OPEN_READS = {
    "auth": ("/.well-known/jwks.json", "/login", "/register", "/password-reset"),
    "user": ("/api/openapi/user.json",),
    "company": ("/api/companies",),
    "ticketing": ("/", "/api/places", "/api/places?q=xyz"),
    "qr": ("/api/qr/keys",),
    "payment": ("/api/openapi/payment.json",),
}
# Asked with a token that legacy gave.
OWN_READS = {
    "auth": (),
    "user": (),
    "company": (),
    "ticketing": ("/api/bookings", "/api/waitlist", "/bookings"),
    "qr": (),
    "payment": ("/api/payments",),
}


@pytest.fixture(scope="module")
def table(private_stack: RunningStack) -> RouteTable:
    from deploy.local.folders import CHECKOUT

    return load_table(CHECKOUT / "strangler" / "routes.toml")


@pytest.fixture(scope="module")
def world(private_stack: RunningStack) -> World:
    return World(private_stack.gateway_url, private_stack.admin_email, private_stack.admin_password)


def set_reads(stack: RunningStack, table: RouteTable, flags: dict[str, Flag]) -> None:
    async def change() -> int:
        connection = await asyncpg.connect(stack.dsn("strangler"))
        redis = Redis.from_url(stack.redis_url)
        try:
            done = await change_flags(
                connection, redis, table, flags, who="tests", why="one domain at a time", deployed=DOMAINS
            )
        finally:
            await connection.close()
            await redis.aclose()
        return done.version

    version = asyncio.run(change())

    done, workers = asyncio.run(wait_for_version((stack.strangler_admin_url,), version, 10.0))
    assert done == workers > 0


@pytest.fixture(params=DOMAINS)
def domain_on_service(request, private_stack: RunningStack, table: RouteTable) -> Iterator[str]:
    """The reads of one domain on its service, all else on legacy."""
    reads = [route.name for route in table.routes if route.domain == request.param and route.group is None]
    set_reads(private_stack, table, dict.fromkeys(reads, Flag(mode="service")))
    yield request.param
    set_reads(private_stack, table, dict.fromkeys(reads, LEGACY))


def test_every_process_of_both_sides_is_ready(private_stack):
    services = {f"{domain}-service" for domain in DOMAINS}
    parts = private_stack.status()
    assert set(parts) == services | {"postgres", "valkey", "legacy", "strangler", "gateway"}
    assert {part["state"] for part in parts.values()} == {"ready"}


def test_one_domains_reads_on_its_service_answer_as_legacys_do(domain_on_service, private_stack, world):
    passenger = world.passenger()
    legacy = Client(private_stack.legacy_url, passenger.token)
    asked = [(world.anyone(), path) for path in OPEN_READS[domain_on_service]]
    asked += [(passenger, path) for path in OWN_READS[domain_on_service]]
    for client, path in asked:
        seen = client.get(path)
        told = legacy.get(path) if client is passenger else Client(private_stack.legacy_url).get(path)
        assert seen.status == told.status == 200, f"{path}: {seen.status} and {told.status}"
        assert seen.headers["Content-Type"] == told.headers["Content-Type"], path
        if seen.headers["Content-Type"].startswith("application/json") and "openapi" not in path:
            assert _without_rows(seen.json) == _without_rows(told.json), path


def test_a_token_of_one_side_opens_the_other(private_stack, world):
    passenger = world.passenger()
    for domain, path in (
        ("ticketing", "/api/bookings"),
        ("payment", "/api/payments"),
        ("ticketing", "/api/waitlist"),
    ):
        assert Client(private_stack.service_urls[domain], passenger.token).get(path).ok()["items"] == []
    addresses = _both(private_stack, "auth")
    legacys, services = (Client(url).get("/.well-known/jwks.json").ok() for url in addresses)
    assert legacys == services


def test_a_cursor_of_one_side_leads_on_at_the_other(private_stack, world):
    for _ in range(3):
        world.company()
    page = Client(private_stack.legacy_url).get("/api/companies", params={"limit": 1}).ok()
    follow = {"limit": 1, "cursor": page["next_cursor"]}
    Client(private_stack.service_urls["company"]).get("/api/companies", params=follow).ok()
    users = Client(private_stack.legacy_url, world.admin.token).get("/api/users", params={"limit": 1}).ok()
    follow = {"limit": 1, "cursor": users["next_cursor"]}
    Client(private_stack.service_urls["auth"], world.admin.token).get("/api/users", params=follow).ok()


def test_a_code_of_one_side_is_read_by_the_other(private_stack, world):
    company = world.company()
    inspector = world.staff(company.operator, company.id, "inspector")
    ticket = confirmed(world.passenger(), company.trip(departs_at=in_hours(3)), "A1")["tickets"][0]
    token = qr_token(Client(private_stack.legacy_url, world.admin.token), ticket)
    scan = {"token": token}
    verdict = Client(private_stack.service_urls["qr"], inspector.token).post("/api/qr/verify", scan).ok()
    assert verdict["reason"] == "ok", "the signature is good, and the ticket was asked of its owner"
    legacys, services = (Client(url).get("/api/qr/keys").ok() for url in _both(private_stack, "qr"))
    assert legacys == services


def test_a_session_of_one_side_is_renewed_by_neither_but_its_owner(private_stack, world):
    """The service has no row of it: it says so as legacy would, and does not break."""
    passenger = world.passenger()
    body = {"refresh_token": passenger.refresh_token}
    Client(private_stack.service_urls["auth"]).post("/api/auth/refresh", body).refused(401, "refresh-invalid")
    world.anyone().post("/api/auth/refresh", body).ok()


def _both(stack: RunningStack, domain: str) -> tuple[str, str]:
    return stack.legacy_url, stack.service_urls[domain]


def _without_rows(answer: dict) -> dict:
    """Shape and fixed parts: which rows there are is each side's own as long as none are moved."""
    return {
        name: (type(value) if name == "items" else value)
        for name, value in answer.items()
        if name != "next_cursor"
    }
