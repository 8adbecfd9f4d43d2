from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.problems import BadRequest
from services.payment.domain.cards import Card
from services.payment.domain.sandbox import (
    CARDS,
    Behaviour,
    Reference,
    ReferenceUnknown,
    behaviour_of,
    event_of,
    read_reference,
    write_reference,
)
from services.payment.domain.signatures import sign
from services.payment.providers.interface import Amount, BadSignature, NeverSeen, StaleSignature
from services.payment.providers.sandbox import Sandbox

KEY = b"k" * 32
SECRETS = ("new", "old")
PAYMENT = UUID("01970000-0000-7000-8000-000000000001")
REFUND = UUID("01970000-0000-7000-8000-000000000002")
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
AMOUNT = Amount(45_000, "INR")

references = st.builds(
    Reference,
    kind=st.sampled_from(["payment", "refund"]),
    subject=st.uuids(),
    behaviour=st.builds(
        Behaviour,
        outcome=st.sampled_from(["succeeded", "challenge", "card_declined", "insufficient_funds"]),
        delay_s=st.integers(0, 60),
        deliveries=st.integers(1, 5),
        refunds_fail=st.booleans(),
    ),
    made_at=st.integers(0, 4 * 10**12).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC)),
)


@pytest.fixture
def sandbox():
    return Sandbox(KEY, SECRETS)


def card(number):
    return Card(number, 12, 2040, "123")


@given(references)
def test_a_reference_comes_back_from_its_text(reference):
    text = write_reference(reference, KEY)
    back = read_reference(text, KEY)
    assert abs(back.made_at - reference.made_at) <= timedelta(milliseconds=1)
    assert (back.kind, back.subject, back.behaviour) == (
        reference.kind,
        reference.subject,
        reference.behaviour,
    )


@given(references, st.binary(min_size=1, max_size=40))
def test_a_reference_of_another_key_is_unknown(reference, key):
    with pytest.raises(ReferenceUnknown):
        read_reference(write_reference(reference, key), KEY)


@pytest.mark.parametrize("text", ["", "sbx1", "sbx1..", "sbx1.W10.AAAA", "sbx_0197", "sbx1.ü.ü", "a.b.c.d"])
def test_other_text_is_no_reference(text):
    with pytest.raises(ReferenceUnknown):
        read_reference(text, KEY)


@pytest.mark.parametrize(
    ("number", "kind", "failure", "wait_s"),
    [
        ("4242424242424242", "payment.succeeded", None, 0),
        ("4000000000000002", "payment.failed", "card_declined", 0),
        ("4000000000009995", "payment.failed", "insufficient_funds", 0),
        ("4000000000003220", "payment.failed", "challenge_expired", 900),
        ("4000000000000077", "payment.succeeded", None, 3),
        ("4000000000000259", "payment.succeeded", None, 0),
        ("4000000000000341", "payment.succeeded", None, 0),
        ("5555555555554444", "payment.failed", "card_declined", 0),
    ],
)
def test_what_each_test_card_leads_to(sandbox, number, kind, failure, wait_s):
    reference = Reference("payment", PAYMENT, behaviour_of(number), NOW)
    text = write_reference(reference, KEY)
    due = NOW + timedelta(seconds=wait_s)
    assert sandbox.due_event(PAYMENT, text, AMOUNT, due - timedelta(milliseconds=1)) is None
    event = sandbox.due_event(PAYMENT, text, AMOUNT, due)
    assert event["type"] == kind
    assert event["data"].get("failure", {}).get("code") == failure
    assert event["data"] | {"failure": 0} == {
        "payment_id": str(PAYMENT),
        "provider_ref": text,
        "amount": 45_000,
        "currency": "INR",
        "failure": 0,
    }


def test_one_card_is_told_of_three_times(sandbox):
    texts = {
        number: write_reference(Reference("payment", PAYMENT, behaviour, NOW), KEY)
        for number, behaviour in CARDS.items()
    }
    assert {number for number, text in texts.items() if sandbox.deliveries(text) == 3} == {"4000000000000259"}


@given(references)
def test_an_event_is_the_same_however_often_it_is_told(reference):
    text = write_reference(reference, KEY)
    told = [
        event_of(read_reference(text, KEY), text, payment_id=PAYMENT, amount_minor=1, currency="INR")
        for _ in range(2)
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize(("code", "kind"), [("123456", "payment.succeeded"), ("000000", "payment.failed")])
async def test_the_code_decides_a_challenge(sandbox, code, kind):
    charge = await sandbox.charge(PAYMENT, AMOUNT, card("4000000000003220"))
    assert charge.next_action == "challenge"
    answered = await sandbox.answer_challenge(PAYMENT, charge.reference, code)
    assert answered.next_action is None
    event = await sandbox.look_up_charge(PAYMENT, answered.reference, AMOUNT)
    assert event["type"] == kind


@pytest.mark.parametrize(
    ("number", "kind"), [("4242424242424242", "refund.succeeded"), ("4000000000000341", "refund.failed")]
)
async def test_the_card_decides_its_refunds(sandbox, number, kind):
    charge = await sandbox.charge(PAYMENT, AMOUNT, card(number))
    reference = await sandbox.refund(REFUND, charge.reference, AMOUNT)
    event = await sandbox.look_up_refund(REFUND, PAYMENT, reference, AMOUNT)
    assert event["type"] == kind
    assert event["data"]["refund_id"] == str(REFUND)
    assert event["data"]["payment_id"] == str(PAYMENT)


async def test_what_was_never_charged_was_never_seen(sandbox):
    with pytest.raises(NeverSeen):
        await sandbox.look_up_charge(PAYMENT, None, AMOUNT)
    with pytest.raises(NeverSeen):
        await sandbox.look_up_refund(REFUND, PAYMENT, None, AMOUNT)


def test_a_webhook_is_read_only_if_it_is_signed_now(sandbox):
    body = b'{"id": "evt_1", "type": "payment.succeeded"}'
    at_s = int(NOW.timestamp())
    good = {"Banyan-Signature": sign(body, ["old"], at_s=at_s)}
    assert sandbox.read_webhook(good, body, NOW)["id"] == "evt_1"
    with pytest.raises(BadSignature):
        sandbox.read_webhook(good, body + b" ", NOW)
    with pytest.raises(StaleSignature):
        sandbox.read_webhook(good, body, NOW + timedelta(seconds=301))


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"id": 5, "type": "x"}', b'{"id": "", "type": "x"}', b"{"])
def test_a_signed_body_that_is_no_event_is_refused(sandbox, body):
    headers = {"Banyan-Signature": sign(body, SECRETS, at_s=int(NOW.timestamp()))}
    with pytest.raises(BadRequest):
        sandbox.read_webhook(headers, body, NOW)
