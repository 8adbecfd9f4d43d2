"""Numbers are given out before they are committed; a reader misses none and waits for none in vain."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from common.events.position import Gap, Position


def test_numbers_in_a_row_leave_no_gap():
    position = Position(3)
    position.advance([4, 5, 6], xmin=100, beyond=100)
    assert (position.low, position.last, position.gaps) == (6, 6, [])


def test_a_number_that_is_not_there_yet_is_a_gap_and_holds_low_back():
    position = Position(3)
    position.advance([6, 7], xmin=100, beyond=104)
    assert position.gaps == [Gap(4, 5, 104)]
    assert (position.low, position.last) == (3, 7)


def test_a_gap_closes_when_its_row_comes():
    position = Position(7, [Gap(4, 5, 104)])
    position.advance([5], xmin=100, beyond=105)
    assert position.gaps == [Gap(4, 4, 104)]
    position.advance([4], xmin=100, beyond=105)
    assert (position.low, position.gaps) == (7, [])


def test_a_gap_is_over_when_everything_that_ran_when_it_was_noticed_has_ended():
    position = Position(7, [Gap(4, 5, 104)])
    position.advance([], xmin=103, beyond=110)
    assert position.low == 3
    position.advance([], xmin=104, beyond=110)
    assert position.low == 7


@st.composite
def histories(draw):
    """Transactions of (numbers, whether it commits), the order in which they end, and looks in between."""
    count = draw(st.integers(1, 12))
    owner_of = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=30))
    commits = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    order = draw(st.permutations(range(count)))
    looks = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    return owner_of, commits, order, looks


@given(histories())
def test_every_committed_number_is_seen_once_and_low_never_passes_one_that_is_missing(history):
    owner_of, commits, order, looks = history
    position, visible, seen = Position(0), set(), []
    running = set(range(len(commits)))

    def look() -> None:
        xmin = min(running, default=len(commits))
        new = [
            seq
            for seq in visible
            if seq > position.last or any(gap.first <= seq <= gap.last for gap in position.gaps)
        ]
        position.advance(new, xmin=xmin, beyond=len(commits))
        seen.extend(new)
        outstanding = {seq for seq, owner in enumerate(owner_of, 1) if owner in running and commits[owner]}
        assert not any(seq <= position.low for seq in outstanding)

    for transaction, looks_now in zip(order, looks, strict=True):
        running.discard(transaction)
        if commits[transaction]:
            visible |= {seq for seq, owner in enumerate(owner_of, 1) if owner == transaction}
        if looks_now:
            look()
    look()
    look()  # what the look before has noticed as a gap is known to be none by now
    assert sorted(seen) == sorted(visible)
    assert position.gaps == []
