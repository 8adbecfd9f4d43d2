from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.payment.domain.refunds import MOST_ATTEMPTS, Refunded, available, due_now, pause_after

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
amounts = st.integers(0, 500_000)
refunds = st.builds(
    Refunded,
    amount_minor=st.integers(1, 90_000),
    status=st.sampled_from(["pending", "succeeded", "failed"]),
    booking_due=st.booleans(),
    changed_at=st.datetimes(datetime(2026, 4, 1), datetime(2026, 5, 1), timezones=st.just(UTC)),  # ruff: ignore[call-datetime-without-tzinfo] — hypothesis adds the zone
)


def refund(amount, status="succeeded", *, due=True, minutes_ago=10_000):
    return Refunded(amount, status, due, NOW - timedelta(minutes=minutes_ago))


@given(st.lists(st.tuples(st.integers(0, 50_000), st.booleans()), max_size=40), amounts)
def test_refunds_asked_for_one_by_one_never_pass_what_was_captured(wishes, captured):
    made = []
    for amount, fails in wishes:
        if 0 < amount <= available(captured, made):
            made.append(Refunded(amount, "failed" if fails else "pending", False, NOW))
    assert sum(each.amount_minor for each in made if each.status != "failed") <= captured
    assert 0 <= available(captured, made) <= captured


@given(amounts, amounts, st.lists(refunds, max_size=8))
def test_what_is_due_is_never_more_than_owed_or_left(captured, owed, made):
    due = due_now(captured, made, owed, NOW)
    assert due >= 0
    if due:
        assert due <= available(captured, made)
        assert due + sum(each.amount_minor for each in made if each.booking_due and each.counts) <= owed


@given(
    amounts,
    st.lists(st.one_of(st.tuples(st.just("owe"), amounts), st.tuples(st.just("give"), amounts)), max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_whatever_is_owed_given_and_fails_no_more_goes_back_than_came(captured, happenings, fails):
    made, owed = [], 0
    for (kind, wish), failed in zip(happenings, fails, strict=False):
        owed += wish if kind == "owe" else 0
        amount = due_now(captured, made, owed, NOW) if kind == "owe" else wish
        if 0 < amount <= available(captured, made):
            made.append(Refunded(amount, "failed" if failed else "succeeded", kind == "owe", NOW))
        assert 0 <= available(captured, made) <= captured
        assert sum(each.amount_minor for each in made if each.booking_due and each.counts) <= owed


@given(amounts, st.lists(amounts, min_size=1, max_size=6))
def test_paying_what_is_due_again_and_again_settles_what_is_owed(captured, rising):
    made, owed = [], 0
    for more in rising:
        owed += more
        if due := due_now(captured, made, owed, NOW):
            made.append(Refunded(due, "succeeded", True, NOW))
        assert due_now(captured, made, owed, NOW) == 0
    assert sum(each.amount_minor for each in made) == min(owed, captured)


def test_a_refund_under_way_is_not_made_again():
    assert due_now(100, [refund(60, "pending")], 60, NOW) == 0


def test_goodwill_is_not_taken_from_what_a_booking_is_owed():
    assert due_now(100, [refund(30, due=False)], 60, NOW) == 60


def test_what_is_owed_is_cut_to_what_is_left():
    assert due_now(100, [refund(70, due=False)], 60, NOW) == 30


def test_a_failed_refund_waits_longer_each_time_and_then_for_a_person():
    failed = [refund(60, "failed", minutes_ago=1)]
    assert due_now(100, failed, 60, NOW) == 60
    failed.append(refund(60, "failed", minutes_ago=3))
    assert due_now(100, failed, 60, NOW) == 0
    assert due_now(100, failed, 60, NOW + timedelta(minutes=3)) == 60
    failed += [refund(60, "failed")] * (MOST_ATTEMPTS - 2)
    assert due_now(100, failed, 60, NOW + timedelta(days=30)) == 0


def test_the_pauses_grow_fourfold():
    assert [pause_after(count).total_seconds() / 60 for count in range(1, 6)] == [1, 4, 16, 64, 256]
