"""The whole stack through the front door, and what it does when a part of it is gone."""

from __future__ import annotations

import asyncio
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import pytest

from tests.contract.world import eventually

if TYPE_CHECKING:
    from tests.stack import RunningStack


SIDE: Final = "legacy"  # half the processes; how parts are watched is the same for all


def status_of(url: str, within_s: float = 10.0) -> int:
    try:
        with urllib.request.urlopen(url, timeout=within_s) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def until_status(url: str, wanted: int, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while (found := status_of(url)) != wanted:
        assert time.monotonic() < deadline, f"{url} answers {found}"
        time.sleep(0.02)


def test_a_request_goes_all_the_way(private_stack: RunningStack):
    assert status_of(private_stack.gateway_url + "/.well-known/jwks.json") == 200


def test_every_process_is_ready(private_stack: RunningStack):
    assert {name: part["state"] for name, part in private_stack.status().items()} == dict.fromkeys(
        ("postgres", "valkey", "legacy", "strangler", "gateway"), "ready"
    )


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/internal/anything"])
def test_inner_addresses_are_closed_from_outside(private_stack: RunningStack, path):
    assert status_of(private_stack.gateway_url + path) == 404


async def test_each_role_opens_its_own_database_and_no_other(private_stack: RunningStack):
    assert await value(private_stack.dsn("legacy"), "SELECT current_user") == "banyan_legacy"
    for other in ("auth", "payment", "strangler"):
        wrong = private_stack.dsn("legacy").replace("/db_legacy", f"/db_{other}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(wrong)


def test_legacy_down_is_a_502_at_once_and_over_when_it_is_back(private_stack: RunningStack):
    private_stack.stop("legacy")
    began = time.monotonic()
    assert status_of(private_stack.gateway_url + "/.well-known/jwks.json") == 502
    assert time.monotonic() - began < 3
    private_stack.start("legacy")
    until_status(private_stack.gateway_url + "/.well-known/jwks.json", 200)


@pytest.mark.parametrize("name", ["strangler", "legacy", "gateway", "valkey", "postgres"])
def test_what_is_killed_comes_back(private_stack: RunningStack, name):
    before = private_stack.status()[name]["restarts"]
    private_stack.kill(name)
    private_stack.wait_until_ready(name, restarts=before + 1)
    until_status(private_stack.gateway_url + "/.well-known/jwks.json", 200)
    until_status(private_stack.legacy_url + "/readyz", 200)


def test_the_workers_of_a_killed_gateway_do_not_outlive_it(private_stack: RunningStack):
    before = private_stack.status()["gateway"]["restarts"]
    session = private_stack.kill("gateway")
    private_stack.wait_until_ready("gateway", restarts=before + 1)
    eventually(lambda: len(members(session)), lambda left: left == 0, "their end")


def members(session: int) -> list[str]:
    """The processes of a session."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "-s", str(session)], capture_output=True, text=True, check=False
    )
    return listed.stdout.split()


async def test_a_killed_database_keeps_what_was_committed(private_stack: RunningStack):
    dsn = private_stack.dsn("auth")
    await value(dsn, "CREATE TABLE kept (n int)")
    await value(dsn, "INSERT INTO kept VALUES (1)")
    before = private_stack.status()["postgres"]["restarts"]
    await asyncio.to_thread(private_stack.kill, "postgres")
    await asyncio.to_thread(private_stack.wait_until_ready, "postgres", restarts=before + 1)
    assert await value(dsn, "SELECT count(*) FROM kept") == 1


async def value(dsn: str, query: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
