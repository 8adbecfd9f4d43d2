"""In which order a batch is applied: without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations

import pytest

from common.events.consumer import Consumer
from common.events.event import Event, Handler

TYPES = ("shop.thing.changed", "shop.shelf.changed", "shop.door.changed")


@pytest.mark.parametrize("said", permutations(TYPES))
async def test_handlers_are_called_in_their_order_whatever_was_said_first(said):
    called: list[tuple[str, list[int]]] = []

    def noting(event_type: str) -> Handler:
        async def note(_conn, events) -> None:
            called.append((event_type, [event.seq for event in events]))

        return Handler((event_type,), note)

    consumer = Consumer(
        "", None, "window", [*map(noting, TYPES)], woken=print, wrote=print, noted=lambda _of, _seconds: None
    )
    at = datetime(2026, 5, 1, tzinfo=UTC)
    twice = [Event("shop", seq, each, 1, "1", at, {}) for seq, each in enumerate(said * 2)]
    await consumer._apply(None, twice)
    assert called == [(each, [said.index(each), said.index(each) + 3]) for each in TYPES]
