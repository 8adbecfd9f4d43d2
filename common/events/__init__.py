"""Events between services: told by what a database captured of its rows, heard into projections.

A change of a captured row is in `banyan.outbox` in the same transaction (common/sql/events). The relay makes
events of it and publishes them to a Redis stream; each listener's consumer applies them to its own database,
exactly once, whatever dies in between. Redis keeps nothing that is not in a database: an emptied one is
filled again by itself. docs/events.md says how.
"""

from common.events.app import add_events, relay_after_writes, relay_now, until_seen
from common.events.event import Change, Event, EventType, Handler, Message

__all__ = [
    "Change",
    "Event",
    "EventType",
    "Handler",
    "Message",
    "add_events",
    "relay_after_writes",
    "relay_now",
    "until_seen",
]
