"""What the payments' side looks after by itself: each step does what is due, whoever noticed it first."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from common.database import POOL
from common.sweeps import SWEEPER, Sweep
from legacy import ledger, payments, refunds, webhooks
from legacy.keys import CONFIG
from legacy.providers import sandbox_webhooks
from legacy.queries import webhooks as inbox

if TYPE_CHECKING:
    from aiohttp import web

EVENTS: Final = "work on payment events"
DELIVERY: Final = "deliver sandbox webhooks"
REFUNDS: Final = "refund what is due"
SENDING: Final = "send refunds"
CONFIRMATION: Final = "confirm bookings"  # of the ticketing router

AT_ONCE: Final = 3
DELIVERIES_FORGOTTEN: Final = 1000
LATELY: Final = timedelta(days=2)
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)


async def work_on_events(app: web.Application) -> int:
    """Work on what providers told us, some events at a time."""
    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(_work_on_events(app)) for _ in range(AT_ONCE)]
    return sum(worker.result() for worker in workers)


async def deliver_webhooks(app: web.Application) -> int:
    return await sandbox_webhooks.deliver(app[POOL], app[CONFIG])


async def refund_what_is_due(app: web.Application) -> int:
    return _wake_sending(app, await refunds.refund_lately_due(app[POOL]))


async def refund_what_failed(app: web.Application) -> int:
    return _wake_sending(app, await refunds.refund_again(app[POOL]))


async def refund_what_is_still_due(app: web.Application) -> int:
    return _wake_sending(app, await refunds.refund_due_since(app[POOL], datetime.now(UTC) - LATELY))


async def refund_whatever_is_due(app: web.Application) -> int:
    return _wake_sending(app, await refunds.refund_due_since(app[POOL], BEGINNING))


async def send_refunds(app: web.Application) -> int:
    taken = await refunds.send_refunds(app[POOL], app[CONFIG])
    if taken:
        app[SWEEPER].wake(DELIVERY)
    return taken


async def ask_after_payments(app: web.Application) -> int:
    found = await payments.ask_after(app[POOL], app[CONFIG])
    found += await refunds.ask_after_refunds(app[POOL], app[CONFIG])
    if found:
        app[SWEEPER].wake(EVENTS)
    return found


async def close_idle_payments(app: web.Application) -> int:
    closed = await payments.close_idle(app[POOL])
    return closed + await inbox.forget_deliveries(app[POOL], DELIVERIES_FORGOTTEN)


async def add_up_ledger(app: web.Application) -> int:
    return await ledger.add_up(app[POOL])


def wake_events(app: web.Application) -> None:
    """A provider has told something."""
    app[SWEEPER].wake(EVENTS)


def wake_delivery(app: web.Application) -> None:
    """The sandbox has something to tell."""
    app[SWEEPER].wake(DELIVERY)


def wake_refunds(app: web.Application) -> None:
    """A refund is to be sent."""
    app[SWEEPER].wake(SENDING)


def _wake_sending(app: web.Application, made: int) -> int:
    if made:
        app[SWEEPER].wake(SENDING)
    return made


async def _work_on_events(app: web.Application) -> int:
    done = 0
    while about := await webhooks.work_event(app[POOL]):
        done += 1
        if about == "payment.succeeded":
            app[SWEEPER].wake(CONFIRMATION)
    return done


SWEEPS: Final = (
    Sweep(EVENTS, 1.0, work_on_events),
    Sweep(DELIVERY, 1.0, deliver_webhooks),
    Sweep(REFUNDS, 1.0, refund_what_is_due),
    Sweep(SENDING, 1.0, send_refunds),
    Sweep("refund again what failed", 60.0, refund_what_failed, thorough=True),
    Sweep("refund what is still due", 300.0, refund_what_is_still_due, thorough=True),
    Sweep("refund whatever is due", 86_400.0, refund_whatever_is_due, thorough=True),
    Sweep("add up the ledger", 10.0, add_up_ledger),
    Sweep("ask after payments", 30.0, ask_after_payments),
    Sweep("close idle payments", 30.0, close_idle_payments),
)
