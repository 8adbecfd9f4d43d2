"""What others hear of accounts, and what accounts hear of profiles and companies.

`translate` is pure. What is heard is stored by its sequence number: twice, late or out of order, the newest
stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from common.events import Event, EventType, Handler, Message
from services.auth.repository import mirrors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from common.database import Connection
    from common.events import Change

USER_CHANGED: Final = EventType(
    "auth.user.changed",
    1,
    "An account was made, or has another role, company or status.",
    {
        "id": "the user's id",
        "email": "e-mail address, in lower case",
        "role": "passenger, operator, inspector, driver or admin",
        "company_id": "whom an operator, inspector or driver works for, else null",
        "status": "active or suspended",
        "full_name": "as given when the account was made; the profile has what it is now",
        "phone": "as given when the account was made, or null",
        "locale": "as given when the account was made: en or hi",
        "created_at": "instant",
        "updated_at": "instant of the last change of role, company or status",
    },
)
PUBLISHES: Final = (USER_CHANGED,)


def translate(change: Change) -> Message | None:
    """An account as it is now; never what it signs in with."""
    row = change.row
    if change.table != "users" or row is None:
        return None
    return Message(USER_CHANGED.type, row["id"], {name: row[name] for name in USER_CHANGED.fields})


async def store_profiles(conn: Connection, events: Sequence[Event]) -> None:
    """Keep the names and languages that users have now."""
    await mirrors.store_profiles(
        conn,
        [
            (UUID(event.data["user_id"]), event.data["full_name"], event.data["locale"], event.seq)
            for event in newest(events)
        ],
    )


async def store_companies(conn: Connection, events: Sequence[Event]) -> None:
    """Keep which companies there are, and what they are called."""
    await mirrors.store_companies(
        conn,
        [(UUID(event.data["id"]), event.data["name"], event.seq) for event in newest(events)],
    )


def newest(events: Iterable[Event]) -> Iterable[Event]:
    """The last of each subject: a statement cannot write a row twice."""
    last: dict[Any, Event] = {}
    for event in events:
        known = last.get(event.subject)
        if known is None or known.seq <= event.seq:
            last[event.subject] = event
    return last.values()


HANDLERS: Final = (
    Handler(("user.profile.changed",), store_profiles),
    Handler(("company.company.changed",), store_companies),
)
