"""What has not been heard yet is asked of its owner: once, and never for what is known to be so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.qr.repository import mirrors
from tests.integration.services.qr.world import plan_document, ticket_document


@pytest.fixture
async def unheard(world, gate, site):
    """A booking on a departure of which nothing has come yet, while their owners know both."""
    trip = await world.trip(gate.trip.company, departs_at=gate.trip.departs_at, tell=False)
    booking = await world.booking(trip, world.user(), seats=("3A", "3B"), tell=False)
    site.answers[f"/api/trips/{trip.id}/plan"] = plan_document(trip)
    for place, ticket_id in enumerate(booking.ticket_ids):
        site.answers[f"/api/tickets/{ticket_id}"] = ticket_document(booking, place)
    return booking


def token_of(gate, booking, place=0, **facts: Any):
    stated = {
        "ticket_id": booking.ticket_ids[place],
        "trip_id": booking.trip.id,
        "seat": booking.seats[place],
    }
    return gate.token(**stated | facts)


async def test_a_ticket_sold_a_moment_ago_scans(gate, site, unheard):
    verdict = await gate.verify(token_of(gate, unheard), trip_id=str(unheard.trip.id))
    assert (verdict["reason"], verdict["seat"]) == ("ok", "3A")
    asked = list(site.asked)
    assert asked == [f"/api/tickets/{unheard.ticket_ids[0]}", f"/api/trips/{unheard.trip.id}/plan"]
    await gate.verify(token_of(gate, unheard))
    assert site.asked == asked


async def test_it_is_checked_in_too_alone_and_in_a_batch(gate, site, unheard):
    scans = [gate.scan(token_of(gate, unheard, place), trip_id=str(unheard.trip.id)) for place in range(2)]
    assert (await gate.check_in(scans[0]))[0] == 201
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    result = await gate.batch(scans[1] | {"scanned_at": at}, **{"Idempotency-Key": "one"})
    assert result["items"][0]["result"] == "recorded"


async def test_with_the_owner_gone_what_is_known_still_scans(gate, site, unheard):
    site.answers[f"/api/tickets/{unheard.ticket_ids[0]}"] = 503
    assert (await gate.check_in())[0] == 201
    assert not site.asked
    status, problem = await gate.post("/api/qr/verify", {"token": token_of(gate, unheard)})
    assert (status, problem["type"]) == (503, "urn:banyan:problem:unavailable")
    status, _ = await gate.check_in(gate.scan(token_of(gate, unheard), trip_id=str(unheard.trip.id)))
    assert status == 503


@pytest.mark.parametrize(("now", "reason"), [("confirmed", "ok"), ("expired", "cancelled")])
async def test_one_that_had_expired_may_have_been_paid_for_since(gate, site, now, reason):
    await gate.world.ticket(gate.booking, status="expired")
    site.answers[f"/api/tickets/{gate.ticket_id}"] = ticket_document(gate.booking, status=now)
    assert (await gate.verify())["reason"] == reason
    assert len(site.asked) == 1


async def test_a_held_ticket_is_unknown_until_it_is_paid_for(gate, site, unheard):
    path = f"/api/tickets/{unheard.ticket_ids[0]}"
    site.answers[path] = ticket_document(unheard, status="held")
    assert (await gate.verify(token_of(gate, unheard)))["reason"] == "unknown"
    site.answers[path] = ticket_document(unheard)
    assert (await gate.verify(token_of(gate, unheard)))["reason"] == "ok"


async def test_nobody_is_asked_about_codes_that_are_not_ours_or_tickets_that_are_anothers(gate, site):
    assert (await gate.verify("NO CODE"))["reason"] == "bad_signature"
    stranger = gate.world.user("inspector", await gate.world.company())
    assert (await gate.verify(by=stranger))["reason"] == "unknown"
    await gate.world.ticket(gate.booking, status="cancelled")
    assert (await gate.verify())["reason"] == "cancelled"
    assert not site.asked


async def test_what_was_read_gives_way_to_what_was_heard_meanwhile(gate, site, pool):
    """The answer was on its way while the cancellation came."""
    await gate.world.ticket(gate.booking, status="expired", seq=50)
    stale = ticket_document(gate.booking)
    await gate.world.ticket(gate.booking, status="cancelled", seq=51)
    async with pool.acquire() as conn:
        row = {
            **{
                name: stale[name]
                for name in ("id", "booking_id", "trip_id", "seat", "deck", "from_seq", "to_seq")
            },
            "status": "confirmed",
            "passenger_name": "Passenger 1A",
            "qr_serial": 0,
            "company_id": gate.trip.company.id,
            "user_id": None,
        }
        await mirrors.keep_ticket(conn, row, 50)
    assert (await gate.verify())["reason"] == "cancelled"


async def test_an_event_goes_before_what_was_read(gate, site, unheard):
    await gate.verify(token_of(gate, unheard))
    await gate.world.ticket(unheard, qr_serial=1)
    assert (await gate.verify(token_of(gate, unheard)))["reason"] == "revoked"


async def test_the_owner_gets_code_and_page_before_anything_is_heard(client, world, gate, unheard):
    path = f"/api/tickets/{unheard.ticket_ids[0]}/qr"
    answer = await client.get(path, headers=world.bearer(unheard.user))
    assert answer.status == 200
    assert (await answer.json())["token"] == token_of(gate, unheard)
    page = await client.get(f"/tickets/{unheard.ticket_ids[1]}", headers=world.browser(unheard.user))
    assert unheard.reference in await page.text()


async def test_the_code_stays_the_same_when_the_events_have_come(client, world, gate, unheard):
    path, headers = f"/api/tickets/{unheard.ticket_ids[0]}/qr", world.bearer(unheard.user)
    before = await (await client.get(path, headers=headers)).json()
    for name, data in world.of_trip(unheard.trip):
        await world.tell(name, data)
    await world.trip_changed(unheard.trip)
    await world.ticket(unheard)
    assert await (await client.get(path, headers=headers)).json() == before


async def test_who_staff_have_looked_up_is_still_the_passengers(client, world, gate, site, unheard):
    path = f"/api/tickets/{unheard.ticket_ids[0]}/qr"
    assert (await client.get(path, headers=world.bearer(gate.inspector))).status == 200
    assert (await client.get(path, headers=world.bearer(unheard.user))).status == 200
    site.answers.clear()
    assert (await client.get(path, headers=world.bearer(unheard.user))).status == 200
    assert (await client.get(path, headers=world.bearer(world.user()))).status == 404


async def test_a_held_tickets_page_says_what_is_missing(client, world, site, unheard):
    site.answers[f"/api/tickets/{unheard.ticket_ids[0]}"] = ticket_document(unheard, status="held")
    answer = await client.get(f"/tickets/{unheard.ticket_ids[0]}", headers=world.browser(unheard.user))
    page = await answer.text()
    assert "when the booking is paid for" in page
    assert "/qr?format" not in page
    code = await client.get(f"/api/tickets/{unheard.ticket_ids[0]}/qr", headers=world.bearer(unheard.user))
    assert (code.status, (await code.json())["type"]) == (409, "urn:banyan:problem:not-confirmed")


async def test_a_departure_made_a_moment_ago_can_be_chosen(client, world, gate, unheard):
    answer = await client.get(f"/scan?trip_id={unheard.trip.id}", headers=world.browser(gate.inspector))
    assert f'value="{unheard.trip.id}" selected' in await answer.text()
    answer = await client.get(
        f"/api/trips/{unheard.trip.id}/offline-list", headers=world.bearer(gate.inspector)
    )
    assert answer.status == 200


async def test_who_reads_through_to_us_is_answered_from_what_is_here(client, world, site, unheard):
    headers = {**world.bearer(unheard.user), "Banyan-Read-Through": "1"}
    answer = await client.get(f"/api/tickets/{unheard.ticket_ids[0]}/qr", headers=headers)
    assert answer.status == 404
    assert not site.asked
