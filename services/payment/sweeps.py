"""What payments look after by themselves: each step does what is due, whoever noticed it first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from common.database import POOL
from common.idempotency import purge_expired
from common.sweeps import SWEEPER, Sweep
from services.payment.keys import CONFIG, PROVIDERS, WEBHOOK_SESSION
from services.payment.names import ASKING, CLOSING, DELIVERY, EVENTS, REFUNDS, SENDING
from services.payment.providers import webhooks as outgoing
from services.payment.repository import deliveries
from services.payment.service import ledger, payments, refunds, webhooks

if TYPE_CHECKING:
    from aiohttp import web

DELIVERIES_FORGOTTEN: Final = 1000
LATELY: Final = timedelta(days=2)
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)


async def work_on_events(app: web.Application) -> int:
    return await webhooks.work_events(app[POOL])


async def deliver_webhooks(app: web.Application) -> int:
    return await outgoing.deliver(app[POOL], app[WEBHOOK_SESSION], app[CONFIG])


async def refund_what_is_due(app: web.Application) -> int:
    return _wake_sending(app, await refunds.refund_lately_due(app[POOL]))


async def refund_what_failed(app: web.Application) -> int:
    return _wake_sending(app, await refunds.refund_again(app[POOL]))


async def refund_what_is_still_due(app: web.Application) -> int:
    return _wake_sending(app, await refunds.refund_due_since(app[POOL], datetime.now(UTC) - LATELY))


async def refund_whatever_is_due(app: web.Application) -> int:
    return _wake_sending(app, await refunds.refund_due_since(app[POOL], BEGINNING))


async def send_refunds(app: web.Application) -> int:
    taken = await refunds.send_refunds(app[POOL], app[PROVIDERS])
    if taken:
        app[SWEEPER].wake(DELIVERY)
    return taken


async def ask_after_payments(app: web.Application) -> int:
    found = await payments.ask_after(app[POOL], app[PROVIDERS])
    found += await refunds.ask_after_refunds(app[POOL], app[PROVIDERS])
    if found:
        app[SWEEPER].wake(EVENTS)
    return found


async def close_idle_payments(app: web.Application) -> int:
    closed = await payments.close_idle(app[POOL])
    return closed + await deliveries.forget_deliveries(app[POOL], DELIVERIES_FORGOTTEN)


async def add_up_ledger(app: web.Application) -> int:
    return await ledger.add_up(app[POOL])


async def forget_idempotency_keys(app: web.Application) -> int:
    """Delete the kept answers that nobody may ask for any more, all of them at once."""
    await purge_expired(app[POOL])
    return 0


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


SWEEPS: Final = (
    Sweep(EVENTS, 1.0, work_on_events, few=webhooks.AT_ONCE),
    Sweep(DELIVERY, 1.0, deliver_webhooks, is_news=False, few=outgoing.FEW),
    Sweep(REFUNDS, 1.0, refund_what_is_due),
    Sweep(SENDING, 1.0, send_refunds),
    Sweep("refund again what failed", 60.0, refund_what_failed, thorough=True),
    Sweep("refund what is still due", 300.0, refund_what_is_still_due, thorough=True),
    Sweep("refund whatever is due", 86_400.0, refund_whatever_is_due, thorough=True),
    Sweep("add up the ledger", 10.0, add_up_ledger),
    Sweep(ASKING, 30.0, ask_after_payments),
    Sweep(CLOSING, 30.0, close_idle_payments),
    Sweep("forget idempotency keys", 600.0, forget_idempotency_keys),
)
