"""The sandbox of one side goes on with what the other began: the same references, events and signatures."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from legacy.rules import sandbox as legacy
from legacy.rules import signatures as legacy_signatures
from services.payment.domain import sandbox, signatures

KEY = b"k" * 32
PAYMENT = UUID("01970000-0000-7000-8000-000000000001")
MADE_AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
TOLD = {"payment_id": PAYMENT, "amount_minor": 45_000, "currency": "INR"}
SECRETS = ("new", "old")


@given(
    st.sampled_from([*legacy.CARDS, "5555555555554444"]), st.sampled_from(["payment", "refund"]), st.uuids()
)
def test_a_reference_means_the_same_and_tells_the_same_event_on_both_sides(number, kind, subject):
    theirs = legacy.Reference(kind, subject, legacy.behaviour_of(number), MADE_AT)
    ours = sandbox.Reference(kind, subject, sandbox.behaviour_of(number), MADE_AT)
    text = legacy.write_reference(theirs, KEY)
    assert sandbox.write_reference(ours, KEY) == text
    assert sandbox.read_reference(text, KEY) == ours
    assert legacy.read_reference(text, KEY) == theirs
    assert sandbox.event_of(ours, text, **TOLD) == legacy.event_of(theirs, text, **TOLD)


@given(st.binary(max_size=200))
def test_what_one_side_signs_the_other_accepts(body):
    now = int(time.time())
    signatures.check(legacy_signatures.sign(body, SECRETS, at_s=now), body, SECRETS[1:], now_s=now)
    legacy_signatures.check(signatures.sign(body, SECRETS, at_s=now), body, SECRETS[:1], now_s=now)
    assert signatures.HEADER == legacy_signatures.HEADER
