from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from legacy.payment_sweeps import CONFIRMATION, DELIVERY, EVENTS
from legacy.rules.sandbox import Reference, behaviour_of, write_reference
from tests.integration.legacy.payment.conftest import CARD, CHALLENGE, DECLINED, POOR, SLOW, THRICE


async def test_a_payment_is_made_for_the_whole_booking(till, config):
    status, payment = await till.pay()
    assert status == 201
    assert payment == {
        "id": payment["id"],
        "booking_id": str(till.booking.id),
        "provider": "sandbox",
        "status": "requires_method",
        "amount": {"amount": 60_000, "currency": "INR"},
        "refunded": {"amount": 0, "currency": "INR"},
        "next_action": None,
        "failure": None,
        "method": None,
        "checkout_url": f"{config.public_url}/checkout/{payment['id']}",
        "created_at": payment["created_at"],
        "updated_at": payment["updated_at"],
        "refunds": [],
    }
    assert await till.show(payment["id"]) == payment


async def test_a_booking_has_one_open_payment(till):
    first, second = await till.pay(), await till.pay()
    assert (first[0], second[0]) == (201, 200)
    assert first[1]["id"] == second[1]["id"]


async def test_sixteen_at_once_make_one_payment(till):
    answers = await asyncio.gather(*(till.pay() for _ in range(16)))
    assert Counter(status for status, _ in answers) == {201: 1, 200: 15}
    assert len({payment["id"] for _, payment in answers}) == 1


@pytest.mark.parametrize(
    ("status", "reason"), [("expired", "expired"), ("cancelled", "cancelled"), ("confirmed", "paid")]
)
async def test_a_booking_that_is_not_held_takes_no_payment(till, status, reason):
    await till.pool.execute("UPDATE bookings SET status = $2 WHERE id = $1", till.booking.id, status)
    answer, problem = await till.pay()
    assert (answer, problem["type"], problem["reason"]) == (409, "urn:banyan:problem:not-payable", reason)


async def test_a_hold_that_is_over_takes_no_payment_though_no_sweep_has_seen_it(till):
    late = await till.world.booking(
        till.booking.trip,
        till.passenger,
        seats=("3A",),
        status="held",
        expires_at=datetime.now(UTC) - timedelta(seconds=1),
    )
    status, problem = await till.pay(booking=late)
    assert (status, problem["reason"]) == (409, "expired")


async def test_a_card_that_is_good_pays(till):
    payment_id = await till.new_payment()
    status, payment = await till.confirm(payment_id, "4242 4242 4242 4242")
    assert (status, payment["status"]) == (200, "processing")
    assert payment["method"] == {"brand": "visa", "last4": "4242"}
    assert till.woken(DELIVERY)
    await till.settle()
    assert (await till.show(payment_id))["status"] == "succeeded"
    assert await till.ledger() == [("provider", "company", 60_000)]
    assert till.woken(CONFIRMATION)
    assert (await till.pay())[1]["reason"] == "paid"


@pytest.mark.parametrize(("number", "code"), [(DECLINED, "card_declined"), (POOR, "insufficient_funds")])
async def test_a_declined_card_fails_the_payment_and_the_next_one_can_pay(till, number, code):
    payment_id = await till.paid(number)
    payment = await till.show(payment_id)
    assert payment["status"] == "failed"
    assert payment["failure"]["code"] == code
    assert payment["failure"]["message"]
    assert await till.ledger() == []
    second = await till.paid()
    assert second != payment_id
    assert (await till.show(second))["status"] == "succeeded"


async def test_the_right_code_answers_a_challenge(till, config):
    payment_id = await till.new_payment()
    _, payment = await till.confirm(payment_id, CHALLENGE)
    url = f"{config.public_url}/checkout/{payment_id}"
    assert (payment["status"], payment["next_action"]) == ("processing", {"type": "challenge", "url": url})
    await till.settle()
    assert (await till.show(payment_id))["status"] == "processing"
    status, payment = await till.answer(payment_id, "123456")
    assert (status, payment["status"], payment["next_action"]) == (200, "processing", None)
    await till.settle()
    assert (await till.show(payment_id))["status"] == "succeeded"


async def test_a_wrong_code_fails_the_payment(till):
    payment_id = await till.new_payment()
    await till.confirm(payment_id, CHALLENGE)
    await till.answer(payment_id, "654321")
    await till.settle()
    payment = await till.show(payment_id)
    assert (payment["status"], payment["failure"]["code"]) == ("failed", "challenge_failed")
    assert (await till.answer(payment_id, "123456"))[0] == 409


async def test_a_challenge_that_nobody_answers_fails(till, config):
    payment_id = await till.new_payment()
    await till.confirm(payment_id, CHALLENGE)
    ago = datetime.now(UTC) - timedelta(minutes=16)
    charge = Reference("payment", UUID(payment_id), behaviour_of(CHALLENGE), ago)
    await till.pool.execute(
        "UPDATE payments SET attempted_at = $1, provider_ref = $2",
        ago,
        write_reference(charge, config.secret_key),
    )
    await till.settle()
    payment = await till.show(payment_id)
    assert (payment["status"], payment["failure"]["code"]) == ("failed", "challenge_expired")
    assert payment["next_action"] is None


async def test_a_slow_card_is_told_of_later(till):
    payment_id = await till.new_payment()
    await till.confirm(payment_id, SLOW)
    await till.settle()
    assert (await till.show(payment_id))["status"] == "processing"
    wait = await till.pool.fetchval("SELECT next_at - now() FROM sandbox_deliveries")
    assert timedelta() < wait <= timedelta(seconds=3)


async def test_what_is_told_three_times_happens_once(till):
    payment_id = await till.paid(THRICE)
    assert (await till.show(payment_id))["status"] == "succeeded"
    assert await till.ledger() == [("provider", "company", 60_000)]
    assert await till.pool.fetchval("SELECT count(*) FROM webhook_events") == 1


async def test_a_payment_is_confirmed_once(till):
    payment_id = await till.new_payment()
    answers = await asyncio.gather(*(till.confirm(payment_id) for _ in range(8)))
    assert Counter(status for status, _ in answers) == {200: 1, 409: 7}
    refused = next(problem for status, problem in answers if status == 409)
    assert refused["type"] == "urn:banyan:problem:not-confirmable"


async def test_a_confirmation_sent_again_with_its_key_gets_the_first_answer(till):
    payment_id = await till.new_payment()
    key = {"Idempotency-Key": "confirm-1"}
    first = await till.confirm(payment_id, CHALLENGE, **key)
    await till.answer(payment_id, "123456")
    await till.settle()
    assert await till.confirm(payment_id, CHALLENGE, **key) == first
    status, problem = await till.confirm(payment_id, DECLINED, **key)
    assert (status, problem["type"]) == (422, "urn:banyan:problem:idempotency-key-reused")


async def test_eight_confirmations_with_one_key_charge_once(till):
    payment_id = await till.new_payment()
    key = {"Idempotency-Key": "confirm-2"}
    answers = await asyncio.gather(*(till.confirm(payment_id, **key) for _ in range(8)))
    charged = [payment for status, payment in answers if status == 200]
    refused = [problem["type"] for status, problem in answers if status != 200]
    assert len(charged) + len(refused) == 8
    assert charged == [charged[0]] * len(charged)
    assert set(refused) <= {"urn:banyan:problem:request-in-progress"}
    await till.settle()
    assert await till.ledger() == [("provider", "company", 60_000)]


async def test_a_confirmation_that_is_refused_may_be_tried_again_with_its_key(till):
    payment_id = await till.new_payment()
    key = {"Idempotency-Key": "confirm-3"}
    assert (await till.confirm(payment_id, CHALLENGE))[0] == 200
    for _ in range(2):
        status, problem = await till.confirm(payment_id, **key)
        assert (status, problem["type"]) == (409, "urn:banyan:problem:not-confirmable")


async def test_a_key_that_was_used_elsewhere_charges_nothing(till):
    key = {"Idempotency-Key": "both"}
    _, payment = await till.pay(**key)
    status, _ = await till.confirm(payment["id"], **key)
    assert status == 422
    assert (await till.show(payment["id"]))["status"] == "requires_method"


async def test_a_booking_that_expired_meanwhile_is_not_charged(till):
    payment_id = await till.new_payment()
    await till.pool.execute("UPDATE bookings SET status = 'expired' WHERE id = $1", till.booking.id)
    status, problem = await till.confirm(payment_id)
    assert (status, problem["reason"]) == (409, "expired")
    assert (await till.show(payment_id))["status"] == "requires_method"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": "4242424242424241"}, "card.number"),
        ({"number": "abcd"}, "card.number"),
        ({"exp_month": 13}, "card.exp_month"),
        ({"exp_year": 2020}, "card.exp_month"),
        ({"cvc": "12"}, "card.cvc"),
        ({"cvc": 123}, "card.cvc"),
        ({"pin": "1"}, "card.pin"),
    ],
)
async def test_a_card_that_is_none_is_422_and_is_not_repeated(till, change, field):
    payment_id = await till.new_payment()
    body = {"card": CARD | change}
    status, problem = await till.call("POST", f"/api/payments/{payment_id}/confirm", body)
    assert status == 422
    assert set(problem["errors"]) == {field}
    assert "424242" not in str(problem)


@pytest.mark.parametrize("body", [{}, {"card": CARD, "challenge_code": "123456"}])
async def test_a_confirmation_is_a_card_or_a_code(till, body):
    payment_id = await till.new_payment()
    assert (await till.call("POST", f"/api/payments/{payment_id}/confirm", body))[0] == 422


async def test_no_card_number_is_kept_anywhere(till):
    await till.paid("4242 4242 4242 4242")
    tables = await till.pool.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    for (table,) in (tuple(row) for row in tables):
        text = await till.pool.fetchval(f"SELECT string_agg(t::text, ' ') FROM {table} t")
        assert "4242424242424242" not in (text or "").replace(" ", "")


async def test_a_payment_is_cancelled_while_no_card_was_given(till):
    payment_id = await till.new_payment()
    status, payment = await till.call("POST", f"/api/payments/{payment_id}/cancel", {})
    assert (status, payment["status"]) == (200, "cancelled")
    assert (await till.call("POST", f"/api/payments/{payment_id}/cancel", {}))[0] == 200
    assert (await till.confirm(payment_id))[0] == 409
    assert (await till.pay())[0] == 201


async def test_a_payment_under_way_is_not_cancelled(till):
    payment_id = await till.new_payment()
    await till.confirm(payment_id)
    status, problem = await till.call("POST", f"/api/payments/{payment_id}/cancel", {})
    assert (status, problem["type"]) == (409, "urn:banyan:problem:not-cancellable")


async def test_a_confirmation_and_a_cancellation_at_once_are_one_of_the_two(till):
    payment_id = await till.new_payment()
    (charged, _), (cancelled, _) = await asyncio.gather(
        till.confirm(payment_id), till.call("POST", f"/api/payments/{payment_id}/cancel", {})
    )
    assert sorted((charged, cancelled)) == [200, 409]


async def test_payments_are_seen_by_who_pays_and_the_companys_operators(till):
    payment_id = await till.new_payment()
    seen = [await till.operator(), await till.world.user("admin")]
    for by in seen:
        assert (await till.call("GET", f"/api/payments/{payment_id}", by=by))[0] == 200
        _, page = await till.call("GET", f"/api/payments?booking_id={till.booking.id}", by=by)
        assert [payment["id"] for payment in page["items"]] == [payment_id]
    company = till.booking.trip.company
    strangers = [
        await till.world.user(),
        await till.world.user("inspector", company),
        await till.world.user("operator", await till.world.company()),
    ]
    for by in strangers:
        assert (await till.call("GET", f"/api/payments/{payment_id}", by=by))[0] == 404
        assert (await till.call("GET", f"/api/payments?booking_id={till.booking.id}", by=by))[0] == 404
    for by in [*seen, *strangers]:
        assert (await till.pay(by))[0] == 404
        body = {"card": CARD}
        assert (await till.call("POST", f"/api/payments/{payment_id}/confirm", body, by))[0] == 404
        assert (await till.call("POST", f"/api/payments/{payment_id}/cancel", {}, by))[0] == 404


async def test_lists_are_in_pages_newest_first(till):
    made = [await till.paid(DECLINED) for _ in range(3)]
    for path in (f"/api/payments?booking_id={till.booking.id}&limit=2", "/api/payments?limit=2"):
        _, first = await till.call("GET", path)
        _, rest = await till.call("GET", f"{path}&cursor={first['next_cursor']}")
        assert [item["id"] for item in first["items"] + rest["items"]] == made[::-1]
        assert rest["next_cursor"] is None


async def test_what_is_not_there_is_404(till):
    for path in (f"/api/payments/{uuid4()}", "/api/payments/x", f"/api/payments?booking_id={uuid4()}"):
        assert (await till.call("GET", path))[0] == 404
    assert (await till.call("POST", "/api/payments", {"booking_id": str(uuid4())}))[0] == 404
    assert (await till.call("POST", "/api/payments", {"booking_id": "x"}))[0] == 422
    body = {"booking_id": str(till.booking.id), "provider": "barter"}
    assert (await till.call("POST", "/api/payments", body))[0] == 422


async def test_payments_that_wait_in_vain_are_closed(till):
    idle = await till.new_payment()
    await till.pool.execute("UPDATE payments SET created_at = now() - interval '25 hours'")
    assert await till.sweep("close idle payments") == 1
    assert (await till.show(idle))["status"] == "cancelled"
    gone = await till.new_payment()
    assert await till.sweep("close idle payments") == 0
    await till.pool.execute("UPDATE bookings SET status = 'expired' WHERE id = $1", till.booking.id)
    assert await till.sweep("close idle payments") == 1
    assert (await till.show(gone))["status"] == "cancelled"


async def test_a_payment_whose_webhook_is_lost_is_asked_after(till):
    payment_id = await till.new_payment()
    await till.confirm(payment_id)
    assert await till.sweep("ask after payments") == 0
    await till.pool.execute("UPDATE payments SET attempted_at = now() - interval '3 minutes'")
    assert await till.sweep("ask after payments") == 1
    assert till.woken(EVENTS)
    await till.sweep(EVENTS)
    assert (await till.show(payment_id))["status"] == "succeeded"
    await till.sweep(DELIVERY)
    await till.sweep(EVENTS)
    assert await till.ledger() == [("provider", "company", 60_000)]


async def test_a_payment_that_never_reached_its_provider_fails(till):
    payment_id = await till.new_payment()
    await till.pool.execute(
        "UPDATE payments SET status = 'processing', attempted_at = now() - interval '3 minutes'"
    )
    await till.sweep("ask after payments")
    payment = await till.show(payment_id)
    assert (payment["status"], payment["failure"]["code"]) == ("failed", "not_charged")
    assert (await till.pay())[0] == 201
