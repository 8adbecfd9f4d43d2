"""The states of a booking: examples, and a machine that tries every order of events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.ticketing.domain.bookings import (
    LIVE,
    Booking,
    MoveRefused,
    NotATicket,
    NotCancellable,
    Reason,
    Refusal,
    Settlement,
    Status,
    Ticket,
)

NOW = datetime(2030, 5, 1, 12, tzinfo=UTC)
ENDS = NOW + timedelta(minutes=10)


def booking(*prices: int, status: Status = Status.HELD) -> Booking:
    tickets = tuple(Ticket(uuid4(), price, status) for price in prices)
    return Booking(status, sum(prices), ENDS, tickets)


def cancel(
    of: Booking,
    ticket_ids: list[UUID] | None = None,
    *,
    percent: int = 50,
    now: datetime = NOW,
    departed: bool = False,
) -> Booking:
    return of.cancel(
        ticket_ids, percent=percent, step=1, now=now, departed=departed, reason=Reason.BY_PASSENGER
    )


def test_a_hold_is_over_the_moment_that_its_time_is() -> None:
    held = booking(100)
    assert held.seen_at(ENDS - timedelta(microseconds=1)) is Status.HELD
    assert held.seen_at(ENDS) is Status.EXPIRED
    assert replace(held, status=Status.CONFIRMED).seen_at(ENDS) is Status.CONFIRMED


def test_one_seat_of_two_can_be_given_back_and_pays_by_percent() -> None:
    paid = booking(100, 250).confirm_paid(350)
    left = cancel(paid, [paid.tickets[1].id], percent=90)
    assert left.status is Status.CONFIRMED
    assert [ticket.status for ticket in left.tickets] == [Status.CONFIRMED, Status.CANCELLED]
    assert (left.refund_due_minor, left.tickets[1].refund_due_minor) == (225, 225)
    assert left.refund_reason == "cancelled by passenger"
    gone = cancel(left, percent=50)
    assert (gone.status, gone.refund_due_minor) == (Status.CANCELLED, 275)


def test_a_seat_that_nobody_paid_for_is_taken_off_the_bill() -> None:
    held = booking(100, 250)
    left = cancel(held, [held.tickets[0].id])
    assert (left.status, left.total_minor, left.refund_due_minor) == (Status.HELD, 250, 0)
    assert cancel(held).total_minor == 350


@pytest.mark.parametrize(("left", "back"), [(0, 350), (1, 250)])
def test_a_withdrawn_seat_is_a_reason_for_a_refund_only_where_there_is_one(left: int, back: int) -> None:
    held = booking(100, 250)
    gone = {ticket.id for ticket in held.tickets[left:]}
    unpaid = held.withdraw(gone, step=1)
    assert (unpaid.refund_due_minor, unpaid.refund_reason) == (0, None)
    paid = held.confirm_paid(350).withdraw(gone, step=1)
    assert (paid.refund_due_minor, paid.refund_reason) == (back, "seat not on the bus")


def test_what_was_paid_too_much_goes_back() -> None:
    held = booking(100, 250)
    left = cancel(held, [held.tickets[0].id])
    confirmed = left.confirm_paid(350)
    assert (confirmed.status, confirmed.refund_due_minor) == (Status.CONFIRMED, 100)
    assert [ticket.status for ticket in confirmed.tickets] == [Status.CANCELLED, Status.CONFIRMED]


@pytest.mark.parametrize(
    ("of", "how", "why"),
    [
        (booking(1).confirm(), {"departed": True}, Refusal.DEPARTED),
        (booking(1), {"now": ENDS}, Refusal.EXPIRED),
        (booking(1).expire(), {}, Refusal.EXPIRED),
        (cancel(booking(1)), {}, Refusal.CANCELLED),
        (
            replace(booking(1), tickets=(replace(booking(1).tickets[0], checked_in=True),)).confirm(),
            {},
            Refusal.CHECKED_IN,
        ),
    ],
)
def test_a_refusal_says_why(of: Booking, how: dict[str, object], why: Refusal) -> None:
    with pytest.raises(NotCancellable) as refused:
        cancel(of, **how)  # type: ignore[arg-type]
    assert refused.value.refusal is why


def test_a_ticket_that_is_cancelled_cannot_be_cancelled_again() -> None:
    paid = booking(100, 100).confirm()
    gone = paid.tickets[0].id
    with pytest.raises(NotCancellable):
        cancel(cancel(paid, [gone]), [gone])


def test_another_bookings_ticket_is_named() -> None:
    stranger = uuid4()
    with pytest.raises(NotATicket) as refused:
        cancel(booking(100), [stranger])
    assert refused.value.ticket_id == stranger


@pytest.mark.parametrize(
    ("status", "paid", "trip_open", "step"),
    [
        (Status.HELD, 100, True, Settlement.CONFIRM),
        (Status.HELD, 100, False, Settlement.CONFIRM),
        (Status.HELD, 99, True, Settlement.REFUND),
        (Status.EXPIRED, 100, True, Settlement.RECLAIM),
        (Status.EXPIRED, 100, False, Settlement.REFUND),
        (Status.EXPIRED, 99, True, Settlement.REFUND),
        (Status.CANCELLED, 100, True, Settlement.REFUND),
        (Status.CONFIRMED, 100, True, Settlement.REFUND),
    ],
)
def test_what_money_does(status: Status, paid: int, trip_open: bool, step: Settlement) -> None:
    assert booking(100, status=status).settlement(paid, trip_open=trip_open) is step


def test_a_confirmed_booking_cannot_expire() -> None:
    with pytest.raises(MoveRefused):
        booking(100).confirm().expire()


class Life(RuleBasedStateMachine):
    """Any order of payments, cancellations and passing time: money and seats always add up."""

    @initialize(prices=st.lists(st.integers(1, 500), min_size=1, max_size=6))
    def hold(self, prices: list[int]) -> None:
        self.booking = booking(*prices)
        self.now = NOW
        self.paid = 0
        self.seats_free = True

    @rule(minutes=st.integers(1, 15))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def somebody_else_takes_the_seats(self) -> None:
        if not self.booking.live_tickets:
            self.seats_free = False

    @precondition(lambda self: self.booking.seen_at(self.now) is not self.booking.status)
    @rule()
    def the_sweep_expires(self) -> None:
        self.booking = self.booking.expire()

    @precondition(lambda self: not self.paid)
    @rule(trip_open=st.booleans(), extra=st.integers(-20, 20))
    def money_arrives(self, trip_open: bool, extra: int) -> None:
        paid = max(1, self.booking.total_minor + extra)
        step = self.booking.settlement(paid, trip_open=trip_open)
        if step is Settlement.NOTHING:
            return
        self.paid = paid
        if step is Settlement.RECLAIM and not self.seats_free:
            step = Settlement.REFUND
        self.booking = (
            self.booking.refund_paid(paid) if step is Settlement.REFUND else self.booking.confirm_paid(paid)
        )

    @precondition(lambda self: self.booking.settled)
    @rule()
    def the_same_money_is_looked_at_again(self) -> None:
        assert self.booking.settlement(self.paid, trip_open=True) is Settlement.NOTHING

    @rule(data=st.data(), percent=st.integers(0, 100), departed=st.booleans())
    def somebody_cancels(self, data: st.DataObject, percent: int, departed: bool) -> None:
        some = data.draw(
            st.one_of(
                st.none(),
                st.lists(st.sampled_from([ticket.id for ticket in self.booking.tickets]), min_size=1),
            )
        )
        before = self.booking
        try:
            self.booking = cancel(before, some, percent=percent, now=self.now, departed=departed)
        except NotCancellable:
            assert self.booking is before
        else:
            assert len(self.booking.live_tickets) < len(before.live_tickets)

    @precondition(lambda self: self.booking.status in LIVE)
    @rule()
    def the_company_calls_the_trip_off(self) -> None:
        live = self.booking.live_tickets
        paid_for = self.booking.status is Status.CONFIRMED
        before = self.booking.refund_due_minor
        self.booking = self.booking.call_off(step=1)
        assert self.booking.status is Status.CANCELLED
        assert self.booking.refund_due_minor - before == (
            sum(each.price_minor for each in live) if paid_for else 0
        )

    @precondition(lambda self: self.booking.status in LIVE)
    @rule(data=st.data())
    def a_bus_comes_that_lacks_seats(self, data: st.DataObject) -> None:
        live = [ticket.id for ticket in self.booking.live_tickets]
        gone = data.draw(st.sets(st.sampled_from(live), min_size=1))
        before = self.booking
        self.booking = before.withdraw(gone, step=1)
        assert {ticket.id for ticket in self.booking.live_tickets} == set(live) - gone
        assert self.booking.refund_due_minor - before.refund_due_minor == (
            sum(each.price_minor for each in before.tickets if each.id in gone)
            if before.status is Status.CONFIRMED
            else 0
        )

    @invariant()
    def nobody_gets_back_more_than_was_paid(self) -> None:
        assert 0 <= self.booking.refund_due_minor <= self.paid
        assert (
            sum(ticket.refund_due_minor for ticket in self.booking.tickets) <= self.booking.refund_due_minor
        )

    @invariant()
    def useless_money_goes_back_whole(self) -> None:
        never_confirmed = all(ticket.refund_due_minor == 0 for ticket in self.booking.tickets)
        if self.booking.settled and self.booking.refund_reason in {
            Reason.PAID_LATE,
            Reason.PAID_AFTER_CANCELLATION,
            Reason.PAID_TOO_LITTLE,
        }:
            assert never_confirmed
            assert self.booking.refund_due_minor == self.paid

    @invariant()
    def who_travels_has_paid(self) -> None:
        confirmed = [each for each in self.booking.tickets if each.status is Status.CONFIRMED]
        if confirmed:
            assert self.booking.settled
            assert self.paid - self.booking.refund_due_minor >= sum(each.price_minor for each in confirmed)

    @invariant()
    def a_booking_lives_as_long_as_one_of_its_tickets(self) -> None:
        assert (self.booking.status in LIVE) == bool(self.booking.live_tickets)
        assert all(ticket.status is self.booking.status for ticket in self.booking.live_tickets)


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestLife = Life.TestCase
