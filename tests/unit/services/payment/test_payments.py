from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.payment.domain.payments import FINAL, MOVES, Move, Status, after, why_not_payable

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def test_the_machine_has_these_moves_and_no_others():
    assert {f"{status} {move} {to}" for (status, move), to in MOVES.items()} == {
        "requires_method charge processing",
        "requires_method cancel cancelled",
        "processing succeed succeeded",
        "processing fail failed",
    }


class Payment(RuleBasedStateMachine):
    """A payment to which anything happens at any time: webhooks twice, late and in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.status = Status.REQUIRES_METHOD
        self.history = [self.status]
        self.charged = 0

    @rule(move=st.sampled_from(Move))
    def happen(self, move):
        to = after(self.status, move)
        if to is not None:
            self.charged += move is Move.CHARGE
            self.status = to
            self.history.append(to)

    @precondition(lambda self: self.status in FINAL)
    @rule(move=st.sampled_from(Move))
    def nothing_moves_a_final_state(self, move):
        assert after(self.status, move) is None

    @invariant()
    def a_card_is_charged_at_most_once(self):
        assert self.charged <= 1

    @invariant()
    def money_came_only_after_processing(self):
        if self.status is Status.SUCCEEDED:
            assert self.history[-2] is Status.PROCESSING

    @invariant()
    def no_state_comes_twice(self):
        assert len(set(self.history)) == len(self.history)


TestPayment = Payment.TestCase


@pytest.mark.parametrize(
    ("status", "left_s", "reason"),
    [
        ("held", 1, None),
        ("held", 0, "expired"),
        ("held", -5, "expired"),
        ("expired", -5, "expired"),
        ("cancelled", 100, "cancelled"),
        ("confirmed", -100, "paid"),
    ],
)
def test_only_a_booking_that_is_held_takes_a_payment(status, left_s, reason):
    assert why_not_payable(status, NOW + timedelta(seconds=left_s), NOW) == reason
