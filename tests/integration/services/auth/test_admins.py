"""The first admin, who is made from the command line."""

from __future__ import annotations

import asyncio

import pytest

from services.auth.service.accounts import create_admin

PASSWORD = "correct horse battery"


async def log_in(client, password=PASSWORD):
    body = {"email": "root@banyan.example", "password": password}
    return await client.post("/api/auth/login", json=body)


async def test_making_the_admin_again_changes_nothing(client, database, pool):
    said = await create_admin(database, "root@banyan.example", "Root", PASSWORD)
    assert said == "root@banyan.example is a new admin"
    before = await pool.fetchrow("SELECT * FROM users")
    assert "already" in await create_admin(database, "ROOT@banyan.example", "Root", PASSWORD)
    assert await pool.fetch("SELECT * FROM users") == [before]
    tokens = await (await log_in(client)).json()
    assert tokens["user"]["role"] == "admin"


async def test_many_who_make_the_same_admin_at_once_make_one(database, pool):
    await asyncio.gather(*(create_admin(database, "root@banyan.example", "Root", PASSWORD) for _ in range(4)))
    assert await pool.fetchval("SELECT count(*) FROM users WHERE role = 'admin'") == 1


async def test_whoever_has_the_address_becomes_admin_with_the_password(client, database, world, pool):
    company = await world.company()
    await world.user(role="driver", company=company, email="root@banyan.example")
    await pool.execute("UPDATE users SET status = 'suspended'")
    await create_admin(database, "root@banyan.example", "Root", PASSWORD)
    assert (await log_in(client)).status == 200
    await create_admin(database, "root@banyan.example", "Root", "another staple entirely")
    assert (await log_in(client)).status == 401
    assert (await log_in(client, "another staple entirely")).status == 200


async def test_a_password_that_is_guessed_first_makes_no_admin(database, pool):
    with pytest.raises(ValueError, match="password"):
        await create_admin(database, "root@banyan.example", "Root", "password")
    assert await pool.fetchval("SELECT count(*) FROM users") == 0
