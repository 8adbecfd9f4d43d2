import threading
from datetime import UTC, datetime
from itertools import pairwise
from time import time_ns
from uuid import RFC_4122, UUID

from common.ids import made_at, uuid7


def test_an_id_is_a_version_seven_uuid():
    identifier = uuid7()
    assert (identifier.version, identifier.variant) == (7, RFC_4122)


def test_ids_grow_strictly_within_a_millisecond():
    ids = [uuid7() for _ in range(20_000)]
    assert all(before < after for before, after in pairwise(ids))


def test_ids_go_on_growing_when_the_clock_steps_back(monkeypatch):
    before = uuid7()
    monkeypatch.setattr("common.ids.time_ns", lambda: time_ns() - 3_600_000_000_000)
    assert uuid7() > before


def test_threads_never_get_the_same_id():
    found: list[UUID] = []

    def collect() -> None:
        found.extend([uuid7() for _ in range(5_000)])

    threads = [threading.Thread(target=collect) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 20_000


def test_an_id_tells_when_it_was_made():
    assert abs((datetime.now(UTC) - made_at(uuid7())).total_seconds()) < 5
