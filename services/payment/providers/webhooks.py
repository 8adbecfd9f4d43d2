"""The sandbox's outgoing webhooks: it tells over HTTP what came of charges and refunds, as a real one would.

What is to be told follows from payments that are processing and refunds that are pending. So nothing is lost
by a crash, and nothing is told any more once it was heard.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import aiohttp
import structlog

from common.encoding import dump_json
from services.payment.domain.signatures import HEADER, sign
from services.payment.keys import WEBHOOK_SESSION
from services.payment.providers import sandbox_of
from services.payment.providers.interface import Amount, NeverSeen
from services.payment.repository import deliveries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from aiohttp import web

    from common.database import Pool
    from services.payment.config import Config
    from services.payment.providers.interface import Event
    from services.payment.repository.deliveries import Row

PATH: Final = "/api/payments/webhooks/sandbox"
TIMEOUT: Final = aiohttp.ClientTimeout(total=5)
BATCH: Final = 50
FEW: Final = BATCH // 2
"""A round that told fewer had no more before it, unless most were early or failed; those are due later."""
AT_ONCE: Final = 4

log = structlog.get_logger(__name__)


async def open_session(app: web.Application) -> AsyncIterator[None]:
    """A cleanup context: the connections that webhooks go out by."""
    app[WEBHOOK_SESSION] = aiohttp.ClientSession(timeout=TIMEOUT)
    yield
    await app[WEBHOOK_SESSION].close()


async def deliver(pool: Pool, session: aiohttp.ClientSession, config: Config) -> int:
    """Tell what is due; answers how many events were heard."""
    claimed = await deliveries.claim_deliveries(pool, BATCH)
    events, early = _sort_out(config, claimed)
    if early:
        await deliveries.wait_for_outcome(pool, [*early], [*early.values()])
    if not events:
        return 0
    turn = asyncio.Semaphore(AT_ONCE)
    heard = await asyncio.gather(*(_tell(session, config, event, times, turn) for event, times in events))
    return sum(heard)


def _sort_out(config: Config, rows: list[Row]) -> tuple[list[tuple[Event, int]], dict[UUID, timedelta]]:
    """What is due, with how often it is told, and how long the rest has to wait."""
    sandbox = sandbox_of(config)
    now = datetime.now(UTC)
    events: list[tuple[Event, int]] = []
    early: dict[UUID, timedelta] = {}
    for row in rows:
        amount = Amount(row["amount_minor"], row["currency"])
        try:
            event = sandbox.due_event(row["payment_id"], row["reference"], amount, now)
            if event is not None:
                events.append((event, sandbox.deliveries(row["reference"])))
            else:
                early[row["subject"]] = max(sandbox.due_at(row["reference"]) - now, timedelta())
        except NeverSeen:
            log.warning("the sandbox does not know a reference", subject=str(row["subject"]))
    return events, early


async def _tell(
    session: aiohttp.ClientSession, config: Config, event: Event, times: int, turn: asyncio.Semaphore
) -> bool:
    body = dump_json(event)
    signature = sign(body, config.sandbox_webhook_secrets, at_s=int(time.time()))
    headers = {HEADER: signature, "Content-Type": "application/json"}
    url = config.sandbox_webhook_url + PATH
    async with turn:
        try:
            for _ in range(times):
                async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                    answer.raise_for_status()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = error.status if isinstance(error, aiohttp.ClientResponseError) else type(error).__name__
            log.warning("sandbox webhook not delivered; it is tried again", event_id=event["id"], why=why)
            return False
    return True
