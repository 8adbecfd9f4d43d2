"""Fills the databases of a stack with demo companies: from nothing at first start, or with more later.

The rows are made once and copied into all databases side by side, each in a transaction of its own: a
database has all of a fill or nothing of it. Nothing is told by events: both ends of every projection get it.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from common.database import open_connection
from common.passwords import hash_password, verify_password
from deploy.demo import LOGINS, PASSWORD
from deploy.demo.batches import Batch, Made, Maker, Recipe, batches
from deploy.demo.bulk import is_big
from deploy.demo.generate import SEED
from deploy.demo.plan import Found, plan
from deploy.demo.sides import LEGACY
from deploy.demo.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from common.database import Connection
    from deploy.demo.plan import Plan
    from deploy.demo.writer import Progress

COMPANIES_PER_SCALE: Final = 4
ADVISORY_LOCK: Final = 0x64656D6F  # "demo": two fillers would make the same companies
_WAITING: Final = 2  # batches that a database may be behind the others


@dataclass(slots=True)
class Filled:
    """What one call added, and for how many seconds each database was written."""

    made: Made = field(default_factory=Made)
    seconds: dict[str, float] = field(default_factory=dict)


async def fill(
    databases: Mapping[str, str],
    qr_keys_file: Path,
    *,
    scale: int = 1,
    seed: int = SEED,
    now: datetime | None = None,
    only_if_empty: bool = False,
    progress: Progress = lambda _owner, _done, _wanted: None,
) -> Filled:
    """Bring the databases (DSN by owner) to `scale` times four demo companies, and all of them to the same.

    What is there already stays as it is. `progress` is called with a database's owner and the number of
    companies written and wanted there. With `only_if_empty` nothing happens to a site that has companies of
    its own.
    """
    now = (now or datetime.now(UTC)).replace(microsecond=0)  # which a company's id tells again
    async with AsyncExitStack() as opened:
        connections = {}
        for owner in sorted(databases):
            conn = await open_connection(databases[owner], application_name="demo")
            opened.push_async_callback(conn.close)
            await conn.execute("SELECT pg_advisory_lock($1)", ADVISORY_LOCK)
            connections[owner] = conn
        found = {owner: await Found.in_(owner, conn) for owner, conn in connections.items()}
        missing = plan(found, scale * COMPANIES_PER_SCALE, now, seed)
        if only_if_empty and missing.has_others:
            return Filled()
        if not missing.companies and missing.admin is None:
            return Filled()
        sign = not is_big(missing.wanted_of(LEGACY))
        recipe = Recipe(seed, await _password_hash(connections), qr_keys_file, sign)
        return await _fill(connections, recipe, missing, progress)


async def _fill(
    connections: Mapping[str, Connection], recipe: Recipe, missing: Plan, progress: Progress
) -> Filled:
    filled = Filled()
    lacking = {owner for each in missing.companies for owner in each.owners}
    if missing.admin is not None:
        lacking |= missing.admin.owners
    queues: dict[str, asyncio.Queue[Batch | None]] = {owner: asyncio.Queue(_WAITING) for owner in lacking}
    async with asyncio.TaskGroup() as group:
        for owner, queue in queues.items():
            wanted = missing.wanted_of(owner)
            writer = Writer(owner, connections[owner], wanted, progress)
            group.create_task(writer.write(queue, filled.seconds))
        if missing.admin is not None:
            await _hand_out(Maker(recipe).make_admin(missing.admin), queues)
        async with batches(recipe, missing.companies) as coming:
            async for batch in coming:
                filled.made = filled.made.and_also(batch.made)
                await _hand_out(batch, queues)
        for queue in queues.values():
            await queue.put(None)
    return filled


async def _hand_out(batch: Batch, queues: Mapping[str, asyncio.Queue[Batch | None]]) -> None:
    for owner in batch.rows:
        await queues[owner].put(batch)


async def _password_hash(connections: Mapping[str, Connection]) -> str:
    """The one that demo accounts have already, if it still is of their password: both sides keep the same."""
    for owner in ("legacy", "auth"):
        if owner in connections:
            known = await connections[owner].fetchval(
                "SELECT password_hash FROM users WHERE email = $1", LOGINS[0][1]
            )
            if known is not None and await verify_password(known, PASSWORD):
                return str(known)
    return await hash_password(PASSWORD)
