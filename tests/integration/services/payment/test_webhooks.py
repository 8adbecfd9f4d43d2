from __future__ import annotations

import asyncio
import time
from collections import Counter
from uuid import uuid4

import pytest

from services.payment.names import DELIVERY, EVENTS
from tests.integration.services.payment.conftest import DECLINED


@pytest.fixture
async def processing(till):
    """A payment of which nothing was told yet."""
    payment_id = await till.new_payment()
    await till.confirm(payment_id)
    return payment_id


async def only_event(till):
    return await till.pool.fetchrow("SELECT * FROM webhook_events")


async def test_an_event_is_kept_and_answered_before_it_is_worked_on(till, processing):
    event = await till.event(processing)
    assert await till.post_event(event) == (202, {})
    assert till.woken(EVENTS)
    assert (await till.show(processing))["status"] == "processing"
    kept = await only_event(till)
    assert (kept["event_id"], kept["payload"], kept["worked_at"]) == (event["id"], event, None)
    assert await till.sweep(EVENTS) == 1
    assert (await till.show(processing))["status"] == "succeeded"
    assert (await only_event(till))["worked_at"] is not None


async def test_sixteen_deliveries_at_once_are_one_ledger_row(till, processing):
    event = await till.event(processing)
    answers = await asyncio.gather(*(till.post_event(event) for _ in range(16)))
    assert Counter(status for status, _ in answers) == {202: 16}
    await asyncio.gather(*(till.sweep(EVENTS) for _ in range(4)))
    assert await till.ledger() == [("provider", "company", 60_000)]


async def test_sixteen_events_of_one_payment_at_once_are_one_ledger_row(till, processing):
    event = await till.event(processing)
    for number in range(16):
        await till.post_event({**event, "id": f"evt_{number}"})
    await asyncio.gather(*(till.sweep(EVENTS) for _ in range(6)))
    assert await till.ledger() == [("provider", "company", 60_000)]
    remarks = await till.pool.fetch("SELECT last_error FROM webhook_events WHERE worked_at IS NOT NULL")
    assert Counter(row["last_error"] for row in remarks) == {
        None: 1,
        "the payment was succeeded already": 15,
    }


async def test_events_in_the_wrong_order_change_nothing(till, processing):
    await till.post_event(await till.event(processing))
    await till.sweep(EVENTS)
    failure = {"code": "x", "message": "y"}
    await till.post_event(await till.event(processing, "payment.failed", failure=failure))
    await till.sweep(EVENTS)
    assert (await till.show(processing))["status"] == "succeeded"


async def test_money_for_a_payment_that_failed_is_an_alarm_and_no_move(till):
    payment_id = await till.paid(DECLINED)
    await till.post_event(await till.event(payment_id))
    await till.sweep(EVENTS)
    assert (await till.show(payment_id))["status"] == "failed"
    kept = await till.pool.fetchrow("SELECT * FROM webhook_events WHERE event_id LIKE 'evt_payment%'")
    assert kept["last_error"] == "money was taken for a payment that is failed"
    assert kept["worked_at"] is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 59_999},
        {"amount": "60000"},
        {"currency": "EUR"},
        {"provider_ref": "another"},
        {"payment_id": "nonsense"},
        {"payment_id": None},
    ],
)
async def test_an_event_that_cannot_be_true_is_kept_and_moves_nothing(till, processing, wrong):
    event = await till.event(processing)
    event["data"] |= wrong
    assert (await till.post_event(event))[0] == 202
    await till.sweep(EVENTS)
    assert (await till.show(processing))["status"] == "processing"
    kept = await only_event(till)
    assert kept["worked_at"] is not None
    assert kept["last_error"]


async def test_an_event_before_its_payment_is_tried_again(till, processing):
    event = await till.event(processing)
    event["data"]["payment_id"] = str(uuid4())
    await till.post_event(event)
    await till.sweep(EVENTS)
    kept = await only_event(till)
    assert (kept["worked_at"], kept["attempts"], kept["last_error"]) == (None, 1, "no such payment")
    assert await till.sweep(EVENTS) == 0  # not at once
    await till.pool.execute(
        "UPDATE webhook_events SET next_at = now(), payload = jsonb_set(payload, '{data,payment_id}', $1)",
        processing,
    )
    await till.sweep(EVENTS)
    assert (await till.show(processing))["status"] == "succeeded"


async def test_an_event_that_fails_is_out_of_the_others_way(till, processing):
    await till.pool.execute(
        """CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$;
           CREATE TRIGGER fail BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION fail()"""
    )
    await till.post_event(await till.event(processing))
    await till.post_event({"id": "evt_other", "type": "provider.sneezed"})
    await till.sweep(EVENTS)
    rows = {row["event_id"]: row for row in await till.pool.fetch("SELECT * FROM webhook_events")}
    assert rows.pop("evt_other")["worked_at"] is not None
    (kept,) = rows.values()
    assert "broken" in kept["last_error"]
    assert (await till.show(processing))["status"] == "processing"
    await till.pool.execute("DROP TRIGGER fail ON ledger; UPDATE webhook_events SET next_at = now()")
    await till.sweep(EVENTS)
    assert (await till.show(processing))["status"] == "succeeded"


async def test_what_is_not_signed_by_the_provider_is_refused(till, processing):
    event = await till.event(processing)
    status, problem = await till.post_event(event, secret="a guess")
    assert (status, problem["type"]) == (400, "urn:banyan:problem:bad-signature")
    status, problem = await till.post_event(event, at_s=int(time.time()) - 301)
    assert (status, problem["type"]) == (400, "urn:banyan:problem:stale-signature")
    async with till.client.post("/api/payments/webhooks/sandbox", json=event) as answer:
        assert answer.status == 400
    assert await only_event(till) is None


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"id": "evt_1"}', b'{"id": 1, "type": "x"}'])
async def test_a_signed_body_that_is_no_event_is_refused(till, body):
    assert (await till.post_event(body))[0] == 400


async def test_a_provider_that_we_do_not_have_is_404(till):
    async with till.client.post("/api/payments/webhooks/barter", json={}) as answer:
        assert answer.status == 404


async def test_a_huge_body_is_413(till):
    assert (await till.post_event(b" " * 70_000))[0] == 413


async def test_what_cannot_be_delivered_is_delivered_later(till, processing):
    trap = "UPDATE sandbox_deliveries SET next_at = now() - interval '1 second'"
    await till.pool.execute("ALTER TABLE webhook_events RENAME TO hidden")
    assert await till.sweep(DELIVERY) == 0
    await till.pool.execute("ALTER TABLE hidden RENAME TO webhook_events")
    assert await till.pool.fetchval("SELECT attempts FROM sandbox_deliveries") >= 1
    await till.pool.execute(trap)
    assert await till.sweep(DELIVERY) == 1
    await till.sweep(EVENTS)
    assert (await till.show(processing))["status"] == "succeeded"
    await till.pool.execute(trap)
    assert await till.sweep(DELIVERY) == 0  # what was heard is not told again


async def test_two_processes_tell_each_thing_once(till, processing):
    told = await asyncio.gather(*(till.sweep(DELIVERY) for _ in range(4)))
    assert sum(told) == 1
    assert processing
