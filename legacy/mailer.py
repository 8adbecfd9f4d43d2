"""Mail: written into the database by whoever causes it, sent from there by a sweep.

`queue` must be called in the transaction that the mail speaks of, so that there is no mail about what was
rolled back, and none is lost. A mail may be sent twice if a process dies between sending and noting it:
the Message-ID is the same both times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.ids import uuid7
from legacy.queries import mails as queries

if TYPE_CHECKING:
    from common.database import Connection


async def queue(conn: Connection, recipient: str, subject: str, body: str) -> None:
    """Send this plain text soon after the caller's transaction has committed."""
    await queries.insert_mail(conn, uuid7(), recipient, " ".join(subject.split()), body)
