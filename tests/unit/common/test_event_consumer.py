"""In which order a batch is applied: without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations

import pytest

from common.events.consumer import shared_out
from common.events.event import Event, Handler

TYPES = ("shop.thing.changed", "shop.shelf.changed", "shop.door.changed")


@pytest.mark.parametrize("said", list(permutations(TYPES)))
def test_handlers_get_their_events_in_their_order_whatever_was_said_first(said):
    handlers = [Handler((each,), apply=None) for each in TYPES]
    at = datetime(2026, 5, 1, tzinfo=UTC)
    events = [Event("shop", seq, each, 1, "1", at, {}) for seq, each in enumerate(said * 2)]
    shared = [(handler, [event.seq for event in batch]) for handler, batch in shared_out(events, handlers)]
    assert shared == [
        (handler, [said.index(each), said.index(each) + 3])
        for handler, each in zip(handlers, TYPES, strict=True)
    ]


def test_a_handler_of_whom_nothing_is_said_is_not_called():
    handlers = [Handler((each,), apply=None) for each in TYPES]
    event = Event("shop", 1, TYPES[1], 1, "1", datetime(2026, 5, 1, tzinfo=UTC), {})
    assert list(shared_out([event], handlers)) == [(handlers[1], [event])]
