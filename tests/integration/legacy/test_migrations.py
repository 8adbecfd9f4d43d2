"""Migrations that change rows, on rows as the code of before left them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import asyncpg

from common.migrations import migrate
from legacy.__main__ import MIGRATIONS

if TYPE_CHECKING:
    from pathlib import Path


async def test_answers_kept_before_keys_were_of_a_domain_are_found_in_it(fresh_database: str, tmp_path: Path):
    for path in MIGRATIONS.glob("*.sql"):
        if path.name < "0013":
            shutil.copy(path, tmp_path)
    await migrate(fresh_database, tmp_path)
    connection = await asyncpg.connect(fresh_database)
    try:
        await connection.executemany(
            """INSERT INTO idempotency_keys (principal, key, method, path, fingerprint, status, created_at)
               VALUES ('asha', $1, 'POST', $2, '', 201, now() - $3 * interval '1 hour')""",
            [
                ("1", "/api/bookings", 1),
                ("2", "/api/bookings/7/cancel", 1),
                ("3", "/api/check-ins/batch", 1),
                ("4", "/api/payments/7/refunds", 1),
                ("5", "/api/payments", 25),
            ],
        )
        await migrate(fresh_database, MIGRATIONS)
        found = await connection.fetch(
            "SELECT principal FROM idempotency_keys WHERE principal <> 'asha' ORDER BY key"
        )
        kept = await connection.fetchval("SELECT count(*) FROM idempotency_keys WHERE principal = 'asha'")
    finally:
        await connection.close()
    assert [row["principal"] for row in found] == [
        "ticketing:asha",
        "ticketing:asha",
        "qr:asha",
        "payment:asha",
    ]
    assert kept == 5  # for the code of before, should it be put back
