"""Mail: written into the database by whoever causes it, sent from there by a sweep.

`queue` must be called in the transaction that the mail speaks of, so that there is no mail about what was
rolled back, and none is lost. A mail may be sent twice if a process dies between sending and noting it:
the Message-ID is the same both times.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from common.database import POOL
from common.ids import uuid7
from common.mail import repository as queries
from common.mail.postbox import POSTBOX, Undeliverable, open_postbox, write_message
from common.mail.retries import GIVE_UP_AFTER, wait_after
from common.sweeps import Sweep

if TYPE_CHECKING:
    from common.database import Connection, Pool
    from common.mail.postbox import Postbox
    from common.mail.repository import Row

BATCH: Final = 20
LEASE: Final = timedelta(minutes=5)  # far longer than a batch takes
LONGEST_ERROR: Final = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom mails come from: the address, and the host that their ids are of."""

    address: str
    host: str


SENDER: Final = web.AppKey("sender", Sender)


def open_mail(app: web.Application, mail_url: str, mail_from: str, public_url: str) -> None:
    """Let the application send mail; MAIL_SWEEPS are for its sweeper. Raises ValueError for a bad URL."""
    app[POSTBOX] = open_postbox(mail_url)
    app[SENDER] = Sender(mail_from, urlsplit(public_url).hostname or "localhost")


async def queue(conn: Connection, recipient: str, subject: str, body: str) -> None:
    """Send this plain text soon after the caller's transaction has committed."""
    await queries.insert_mail(conn, uuid7(), recipient, " ".join(subject.split()), body)


async def send_due(app: web.Application) -> int:
    """A sweep's step: send what waits; what fails waits longer each time, and in the end is left."""
    pool = app[POOL]
    mails = await queries.claim_due(pool, BATCH, LEASE)
    if mails:
        await asyncio.gather(*(_send(pool, app[POSTBOX], app[SENDER], mail) for mail in mails))
    return len(mails)


async def forget_sent(app: web.Application) -> int:
    """A sweep's step: delete mails sent long ago."""
    return await queries.forget_sent(app[POOL], BATCH)


async def _send(pool: Pool, postbox: Postbox, sender: Sender, mail: Row) -> None:
    try:
        message = write_message(mail, sender.address, sender.host)
        await postbox.post(message, str(mail["id"]))
    except Undeliverable as error:
        log.warning("mail is undeliverable", mail_id=str(mail["id"]), error=str(error))
        await queries.give_up(pool, mail["id"], str(error)[:LONGEST_ERROR])
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
        if mail["attempts"] >= GIVE_UP_AFTER:
            log.exception("mail was given up", mail_id=str(mail["id"]))
            await queries.give_up(pool, mail["id"], reason)
        else:
            log.warning("mail was put off", mail_id=str(mail["id"]), error=reason)
            await queries.put_off(pool, mail["id"], wait_after(mail["attempts"]), reason)
    else:
        await queries.mark_sent(pool, mail["id"])


MAIL_SWEEPS: Final = (
    Sweep("send mail", 1.0, send_due, is_news=False, few=BATCH),
    Sweep("forget sent mail", 3600.0, forget_sent, is_news=False),
)
