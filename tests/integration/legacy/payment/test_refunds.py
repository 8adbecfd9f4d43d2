from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from legacy.payment_sweeps import DELIVERY, REFUNDS, SENDING
from tests.integration.legacy.payment.conftest import NO_REFUNDS

THOROUGH = "refund what is still due"


async def test_an_operator_gives_some_of_a_payment_back(till):
    payment_id = await till.paid()
    status, refund = await till.refund(payment_id, 15_000)
    assert (status, refund["status"], refund["reason"]) == (201, "pending", "goodwill")
    assert till.woken(SENDING)
    await till.settle_refunds()
    payment = await till.show(payment_id)
    assert payment["refunded"] == {"amount": 15_000, "currency": "INR"}
    assert [each["status"] for each in payment["refunds"]] == ["succeeded"]
    assert await till.ledger() == [("provider", "company", 60_000), ("company", "provider", 15_000)]


async def test_without_an_amount_all_that_is_left_goes_back(till):
    payment_id = await till.paid()
    await till.refund(payment_id, 10_000)
    _, rest = await till.refund(payment_id)
    assert rest["amount"]["amount"] == 50_000
    status, problem = await till.refund(payment_id)
    assert (status, problem["type"]) == (409, "urn:banyan:problem:refund-exceeds-payment")
    assert problem["available"] == {"amount": 0, "currency": "INR"}


async def test_more_than_what_is_left_is_refused_and_says_what_is(till):
    payment_id = await till.paid()
    await till.refund(payment_id, 45_000)
    status, problem = await till.refund(payment_id, 15_001)
    assert (status, problem["available"]["amount"]) == (409, 15_000)


async def test_thirty_two_at_once_never_pass_what_was_captured(till):
    payment_id = await till.paid()
    operator = await till.operator()
    answers = await asyncio.gather(*(till.refund(payment_id, 5_000, operator) for _ in range(32)))
    assert Counter(status for status, _ in answers) == {201: 12, 409: 20}
    await till.settle_refunds()
    assert (await till.show(payment_id))["refunded"]["amount"] == 60_000


async def test_a_refund_that_failed_leaves_its_money_available(till):
    payment_id = await till.paid(NO_REFUNDS)
    await till.refund(payment_id)
    await till.settle_refunds()
    assert await till.refunds() == [(60_000, "failed")]
    assert (await till.show(payment_id))["refunded"]["amount"] == 0
    assert (await till.refund(payment_id))[0] == 201


async def test_a_key_makes_a_refund_once(till):
    payment_id, operator = await till.paid(), await till.operator()
    key = {"Idempotency-Key": "refund-1"}
    first = await till.refund(payment_id, 5_000, operator, **key)
    assert await till.refund(payment_id, 5_000, operator, **key) == first
    assert await till.refunds() == [(5_000, "pending")]


async def test_who_may_give_money_back(till):
    payment_id = await till.paid()
    assert (await till.refund(payment_id, 100, await till.world.user("admin")))[0] == 201
    for by in (till.passenger, await till.world.user("inspector", till.booking.trip.company)):
        status, problem = await till.refund(payment_id, 100, by)
        assert (status, problem["type"]) == (403, "urn:banyan:problem:wrong-role")
    stranger = await till.world.user("operator", await till.world.company())
    assert (await till.refund(payment_id, 100, stranger))[0] == 404


async def test_only_money_that_came_goes_back(till):
    payment_id = await till.new_payment()
    status, problem = await till.refund(payment_id, 100)
    assert (status, problem["type"]) == (409, "urn:banyan:problem:not-refundable")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "reason"),
        ({"reason": "x", "amount": {"amount": 0, "currency": "INR"}}, "amount.amount"),
        ({"reason": "x", "amount": {"amount": 10, "currency": "EUR"}}, "amount.currency"),
        ({"reason": "x", "amount": 10}, "amount"),
    ],
)
async def test_a_wrong_body_is_422(till, body, field):
    payment_id = await till.paid()
    path = f"/api/payments/{payment_id}/refunds"
    status, problem = await till.call("POST", path, body, await till.operator())
    assert status == 422
    assert field in problem["errors"]


async def test_what_a_booking_is_owed_is_refunded_by_itself(till):
    payment_id = await till.paid()
    await till.owe(540)
    assert await till.sweep(REFUNDS) == 1
    assert await till.sweep(REFUNDS) == 0
    await till.settle_refunds()
    assert await till.refunds() == [(54_000, "succeeded")]
    assert (await till.show(payment_id))["refunds"][0]["reason"] == "booking cancelled"


async def test_what_is_owed_in_two_steps_is_refunded_in_two(till):
    await till.paid()
    await till.owe(200)
    await till.sweep(REFUNDS)
    await till.owe(500)
    await till.sweep(REFUNDS)
    assert await till.refunds() == [(20_000, "pending"), (30_000, "pending")]


async def test_goodwill_before_leaves_less_to_pay_what_is_owed(till):
    payment_id = await till.paid()
    await till.refund(payment_id, 40_000)
    await till.owe(600)
    for sweep in (REFUNDS, THOROUGH, REFUNDS):
        await till.sweep(sweep)
    assert await till.refunds() == [(40_000, "pending"), (20_000, "pending")]


async def test_sweeps_at_once_refund_once(till):
    await till.paid()
    await till.owe(540)
    await asyncio.gather(*(till.sweep(name) for name in [REFUNDS, THOROUGH] * 4))
    assert await till.refunds() == [(54_000, "pending")]


async def test_a_booking_that_was_cancelled_long_ago_is_found_too(till):
    await till.paid()
    await till.owe(540)
    await till.pool.execute("UPDATE bookings SET updated_at = now() - interval '1 day'")
    assert await till.sweep(REFUNDS) == 0
    assert await till.sweep(THOROUGH) == 1


async def test_nothing_is_refunded_of_what_never_came(till):
    await till.new_payment()
    await till.owe(540)
    assert await till.sweep(REFUNDS) == 0
    assert await till.sweep(THOROUGH) == 0


async def test_a_refund_that_is_owed_and_failed_is_made_again_later(till):
    await till.paid(NO_REFUNDS)
    await till.owe(540)
    await till.sweep(REFUNDS)
    await till.settle_refunds()
    assert await till.refunds() == [(54_000, "failed")]
    assert await till.sweep(REFUNDS) == 0
    assert await till.sweep(THOROUGH) == 0
    for attempt in range(2, 9):
        await till.pool.execute("UPDATE refunds SET updated_at = now() - interval '1 day'")
        assert await till.sweep(THOROUGH) == (attempt <= 6)
        await till.settle_refunds()
    assert await till.refunds() == [(54_000, "failed")] * 6


async def test_a_refund_that_was_sent_and_not_answered_is_asked_after(till):
    payment_id = await till.paid()
    await till.refund(payment_id)
    await till.sweep(SENDING)
    await till.pool.execute("UPDATE refunds SET attempted_at = now() - interval '3 minutes'")
    assert await till.sweep("ask after payments") == 1
    await till.settle()
    assert await till.refunds() == [(60_000, "succeeded")]


@pytest.mark.parametrize("reference", ["of another time", None])
async def test_a_refund_of_a_charge_that_the_sandbox_does_not_know_is_made(till, reference):
    payment_id = await till.paid()
    await till.pool.execute("UPDATE payments SET provider_ref = $1", reference)
    await till.refund(payment_id)
    await till.settle_refunds()
    assert await till.refunds() == [(60_000, "succeeded")]


async def test_a_refund_that_cannot_be_sent_holds_up_no_other(till):
    await till.refund(await till.paid(), 10_000)
    await till.pool.execute("UPDATE payments SET provider = 'gone'")
    till.booking = await till.world.booking(till.booking.trip, seats=("2A", "2B"), status="held")
    await till.refund(await till.paid(), 20_000)
    assert await till.sweep(SENDING) == 1
    sent = await till.pool.fetch("SELECT amount FROM refunds WHERE provider_ref IS NOT NULL")
    assert [int(row["amount"]) for row in sent] == [200]


async def test_a_process_that_dies_before_it_sends_a_refund_loses_nothing(till):
    payment_id = await till.paid()
    await till.refund(payment_id)
    await till.pool.execute("UPDATE refunds SET attempted_at = now()")  # claimed, and then nothing
    assert await till.sweep(SENDING) == 0
    await till.pool.execute("UPDATE refunds SET attempted_at = now() - interval '31 seconds'")
    assert await till.sweep(SENDING) == 1
    assert till.woken(DELIVERY)
