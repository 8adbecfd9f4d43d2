"""What is heard of bookings, in whatever order; and what is asked of their owner where that is not enough."""

from __future__ import annotations

from random import Random
from uuid import UUID, uuid4

import pytest

from services.payment.names import REFUNDS
from tests.integration.services.payment.world import change, event


async def mirror(till, booking=None):
    booking_id = (booking or till.booking).id
    return await till.pool.fetchrow("SELECT * FROM bookings WHERE id = $1", booking_id)


async def test_an_older_event_changes_nothing(till):
    booking = await till.world.booking(told=False)
    held = event("ticketing.booking.held", booking.data, 1001)
    change(booking, status="cancelled", refund_due_minor=54_000)
    cancelled = event("ticketing.booking.cancelled", booking.data, 1002)
    for heard in ([cancelled], [held], [cancelled, held], [held]):
        await till.world.hear(heard)
        row = await mirror(till, booking)
        assert (row["status"], row["refund_due_minor"], row["source_seq"]) == ("cancelled", 54_000, 1002)


@pytest.mark.parametrize("seed", range(5))
async def test_events_in_any_order_and_batches_end_in_the_last_state(till, seed):
    random = Random(seed)
    bookings = [await till.world.booking(told=False) for _ in range(4)]
    heard, number = [], 2000
    for _ in range(5):
        for booking in bookings:
            change(
                booking,
                status=random.choice(["held", "confirmed", "cancelled", "expired"]),
                refund_due_minor=random.randrange(60_000),
            )
            number += 1
            heard.append(event(f"ticketing.booking.{booking.data['status']}", booking.data, number))
    shuffled = [*heard, *random.sample(heard, 6)]
    random.shuffle(shuffled)
    while shuffled:
        batch = random.randint(1, 7)
        await till.world.hear(shuffled[:batch])
        del shuffled[:batch]
    for booking in bookings:
        row = await mirror(till, booking)
        assert (row["status"], row["refund_due_minor"]) == (
            booking.data["status"],
            booking.data["refund_due_minor"],
        )


async def test_what_was_noted_long_ago_is_noted_anew_when_more_is_owed(till):
    await till.owe(20_000)
    await till.pool.execute("UPDATE bookings SET noted_at = now() - interval '1 hour'")
    await till.world.tell_booking(till.booking)
    assert await till.pool.fetchval("SELECT noted_at < now() - interval '50 minutes' FROM bookings")
    await till.owe(30_000)
    assert await till.pool.fetchval("SELECT noted_at > now() - interval '1 minute' FROM bookings")


async def test_an_event_that_comes_an_hour_late_is_refunded_at_once(till):
    await till.paid()
    change(till.booking, status="cancelled", refund_due_minor=54_000)
    till.booking.data["updated_at"] = "2026-01-01T00:00:00+00:00"
    await till.world.tell("ticketing.booking.cancelled", till.booking.data)
    assert await till.sweep(REFUNDS) == 1


async def test_a_company_is_called_as_it_was_told_last(till):
    company = till.booking.company
    data = {"id": str(company.id), "name": "Neem Lines"}
    await till.world.tell("company.company.changed", data, 5001)
    await till.world.tell("company.company.changed", {**data, "name": "Old"}, 5000)
    assert await till.pool.fetchval("SELECT name FROM companies WHERE id = $1", company.id) == "Neem Lines"


async def test_a_booking_of_which_nothing_was_told_is_read_from_its_owner(till):
    booking = await till.world.booking(told=False)
    till.owner.knows(booking)
    status, payment = await till.pay(booking.user, booking)
    assert (status, payment["amount"]["amount"]) == (201, 60_000)
    assert till.owner.asked == 1
    row = await mirror(till, booking)
    assert (row["source_seq"], row["reference"], row["seats"]) == (0, booking.reference, 2)
    till.booking = booking
    assert (await till.confirm(payment["id"]))[0] == 200
    assert till.owner.asked == 1
    await till.settle()


async def test_what_was_read_gives_way_to_the_event_and_never_the_other_way(till):
    booking = await till.world.booking(told=False)
    till.owner.knows(booking)
    await till.pay(booking.user, booking)
    await till.world.tell_booking(booking, refund_reason="trip cancelled", status="cancelled")
    row = await mirror(till, booking)
    assert (row["status"], row["refund_reason"]) == ("cancelled", "trip cancelled")
    change(booking, status="confirmed")
    await till.pay(booking.user, booking)
    assert (await mirror(till, booking))["status"] == "cancelled"


async def test_a_booking_that_nobody_knows_is_404_after_asking_once(till):
    body = {"booking_id": str(uuid4())}
    assert (await till.call("POST", "/api/payments", body))[0] == 404
    assert (await till.call("GET", f"/api/payments?booking_id={uuid4()}"))[0] == 404
    assert till.owner.asked == 2


async def test_a_booking_that_nobody_can_ask_about_is_503_and_can_be_tried_again(till):
    booking = await till.world.booking(told=False)
    till.owner.knows(booking)
    till.owner.status = 503
    key = {"Idempotency-Key": "again"}
    status, problem = await till.pay(booking.user, booking, **key)
    assert (status, problem["type"]) == (503, "urn:banyan:problem:unavailable")
    till.owner.status = None
    assert (await till.pay(booking.user, booking, **key))[0] == 201


async def test_what_is_held_is_paid_for_without_asking_anybody(till):
    till.owner.status = 503
    await till.paid()
    assert till.owner.asked == 0


async def test_before_a_payment_is_refused_the_owner_is_asked(till):
    await till.world.tell_booking(till.booking, status="expired")
    change(till.booking, status="held")
    status, payment = await till.pay()
    assert (status, till.owner.asked) == (201, 1)
    status, confirmed = await till.confirm(payment["id"])
    assert (status, confirmed["status"], till.owner.asked) == (200, "processing", 2)


async def test_the_owners_word_counts_when_it_refuses(till):
    await till.world.tell_booking(till.booking, status="expired")
    change(till.booking, status="cancelled")
    status, problem = await till.pay()
    assert (status, problem["reason"]) == (409, "cancelled")


async def test_with_the_owner_out_of_reach_what_is_mirrored_refuses(till):
    payment_id = await till.new_payment()
    await till.world.tell_booking(till.booking, status="expired")
    till.owner.status = 503
    assert (await till.pay())[1]["reason"] == "expired"
    assert (await till.confirm(payment_id))[1]["reason"] == "expired"


async def test_the_checkout_shows_a_booking_of_which_nothing_was_told(till):
    payment_id = await till.new_payment()
    await till.pool.execute("DELETE FROM bookings")
    headers = till.world.browser(till.passenger)
    async with till.client.get(f"/checkout/{payment_id}", headers=headers) as answer:
        assert answer.status == 200
        assert till.booking.reference in await answer.text()


async def test_a_payment_and_a_refund_say_so_to_others(till):
    payment_id = await till.paid()
    await till.owe(54_000)
    await till.sweep(REFUNDS)
    rows = await till.pool.fetch(
        "SELECT tbl, grp, row ->> 'status' AS status FROM banyan.outbox ORDER BY seq"
    )
    said = [(row["tbl"], row["status"]) for row in rows]
    assert said[0] == ("payments", "requires_method")
    assert said[-2:] == [("payments", "succeeded"), ("refunds", "pending")]
    assert {row["grp"] for row in rows} == {"payments"}
    refund = await till.pool.fetchrow("SELECT * FROM refunds")
    assert refund["payment_id"] == UUID(payment_id)
    assert (refund["booking_id"], refund["company_id"]) == (till.booking.id, till.booking.company.id)
    assert refund["currency"] == "INR"
