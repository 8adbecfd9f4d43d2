"""Single tickets, seat maps and passenger lists."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pypdf
import pytest

if TYPE_CHECKING:
    from common.database import Pool
    from tests.integration.legacy.conftest import RunSweep


async def test_a_ticket_stands_alone(client, world) -> None:
    booking = await world.booking(await world.trip(), seats=["1A", "1B"], from_seq=1, to_seq=2)
    path = f"/api/tickets/{booking.ticket_ids[1]}"
    answer = await client.get(path, headers=world.bearer(booking.user))
    ticket = await answer.json()
    assert (ticket["seat"], ticket["booking_reference"]) == ("1B", booking.reference)
    assert (ticket["from"]["city"], ticket["to"]["city"]) == ("Mysuru", "Madikeri")
    headers = {**world.bearer(booking.user), "If-None-Match": answer.headers["ETag"]}
    assert (await client.get(path, headers=headers)).status == 304
    assert (await client.get(path, headers=world.bearer(await world.user()))).status == 404


async def test_the_pdf_carries_names_in_both_scripts_and_the_code(client, world, pool: Pool, sweep) -> None:
    user = await world.user(locale="hi")
    booking = await world.booking(await world.trip(), user, status="held")
    await pool.execute("UPDATE tickets SET passenger_name = 'Asha श्रीमती 中 = «x»'")
    path = f"/api/tickets/{booking.ticket_ids[0]}.pdf"
    answer = await client.get(path, headers=world.bearer(user))
    assert (answer.status, (await answer.json())["type"]) == (409, "urn:banyan:problem:not-confirmed")
    await world.payment(booking)
    await sweep("confirm bookings")
    answer = await client.get(path, headers=world.bearer(user))
    assert (answer.status, answer.content_type) == (200, "application/pdf")
    (page,) = pypdf.PdfReader(io.BytesIO(await answer.read())).pages
    text = page.extract_text()
    assert booking.reference in text
    assert "Asha" in text
    assert "यात्री" in text
    headers = {**world.bearer(user), "If-None-Match": answer.headers["ETag"]}
    assert (await client.get(path, headers=headers)).status == 304
    assert (await client.get(path, headers=world.bearer(await world.user()))).status == 404


async def test_a_reissued_ticket_has_a_new_code_and_the_old_one_is_no_good(
    client, world, sweep: RunSweep
) -> None:
    trip = await world.trip()
    booking = await world.booking(trip, status="held")
    await world.payment(booking)
    await sweep("confirm bookings")
    ticket = booking.ticket_ids[0]
    inspector = await world.user("inspector", trip.company)

    async def code() -> str:
        answer = await client.get(f"/api/tickets/{ticket}/qr", headers=world.bearer(booking.user))
        return str((await answer.json())["token"])

    async def verdict(token: str) -> str:
        answer = await client.post("/api/qr/verify", json={"token": token}, headers=world.bearer(inspector))
        return str((await answer.json())["reason"])

    old = await code()
    path = f"/api/tickets/{ticket}/reissue"
    assert (await client.post(path, json={}, headers=world.bearer(inspector))).status == 403
    assert (await client.post(path, json={}, headers=world.bearer(await world.user()))).status == 404
    assert (await client.post(path, json={}, headers=world.bearer(booking.user))).status == 200
    new = await code()
    assert new != old
    assert await verdict(old) == "revoked"
    assert await verdict(new) in {"ok", "too_early"}


async def test_there_is_an_end_to_reissuing(client, world, pool: Pool) -> None:
    booking = await world.booking(await world.trip())
    await pool.execute("UPDATE tickets SET qr_serial = 255")
    path = f"/api/tickets/{booking.ticket_ids[0]}/reissue"
    answer = await client.post(path, json={}, headers=world.bearer(booking.user))
    assert (answer.status, (await answer.json())["type"]) == (409, "urn:banyan:problem:reissued-too-often")


class TestSeatMap:
    async def test_states_and_prices_are_of_the_stretch(self, client, world) -> None:
        company = await world.company()
        trip = await world.trip(company, layout=await world.layout(company, rows=2, front_rows=1))
        await world.booking(trip, seats=["1A"], from_seq=0, to_seq=2)
        await world.booking(trip, seats=["2B"], from_seq=1, to_seq=2, status="held")
        answer = await client.get(f"/api/trips/{trip.id}/seats", params={"from": 1, "to": 3})
        found = await answer.json()
        states = {seat["seat"]: seat["state"] for seat in found["seats"]}
        assert {seat: state for seat, state in states.items() if state != "free"} == {
            "1A": "sold",
            "2B": "held",
        }
        prices = {seat["seat"]: seat["price"]["amount"] for seat in found["seats"]}
        assert (prices["1B"], prices["2A"]) == (24000, 20000)
        assert (found["from"], found["to"], found["seats_left"]) == (1, 3, 6)
        after = await client.get(f"/api/trips/{trip.id}/seats", params={"from": 2})
        assert {seat["state"] for seat in (await after.json())["seats"]} == {"free"}

    async def test_unchanged_is_304_and_right_the_moment_a_hold_ends(self, client, world, pool: Pool) -> None:
        trip = await world.trip()
        await world.booking(trip, status="held")
        path = f"/api/trips/{trip.id}/seats"
        first = await client.get(path)
        assert first.headers["Cache-Control"] == "no-cache"
        etag = {"If-None-Match": first.headers["ETag"]}
        assert (await client.get(path, headers=etag)).status == 304
        await pool.execute("UPDATE seat_claims SET expires_at = now()")
        after = await client.get(path, headers=etag)
        assert after.status == 200
        assert (await after.json())["seats_left"] == 12

    @pytest.mark.parametrize(
        "stretch", ["from=2&to=1", "from=1&to=1", "to=4", "from=3", "from=-1", "from=x", "to=0", "seat=1A"]
    )
    async def test_what_is_no_stretch_is_refused(self, client, world, stretch: str) -> None:
        trip = await world.trip()
        assert (await client.get(f"/api/trips/{trip.id}/seats?{stretch}")).status == 422

    async def test_no_trip_is_404(self, client) -> None:
        assert (await client.get("/api/trips/019c0000-0000-7000-8000-000000000000/seats")).status == 404


class TestManifest:
    async def test_who_rides_by_seat_and_stop(self, client, world, pool: Pool) -> None:
        trip = await world.trip(rows=10)
        await world.booking(trip, seats=["10A"], from_seq=0, to_seq=1)
        await world.booking(trip, seats=["2A"], from_seq=2, to_seq=3)
        booking = await world.booking(trip, seats=["2A"], from_seq=0, to_seq=1)
        await world.booking(trip, seats=["3A"], status="held")
        await world.booking(trip, seats=["3B"], status="cancelled")
        await pool.execute("UPDATE tickets SET scanned_at = now() WHERE booking_id = $1", booking.id)
        driver = await world.user("driver", trip.company)
        answer = await client.get(f"/api/trips/{trip.id}/manifest", headers=world.bearer(driver))
        found = await answer.json()
        assert [(each["seat"], each["from_seq"]) for each in found["passengers"]] == [
            ("2A", 0),
            ("2A", 2),
            ("10A", 0),
        ]
        assert found["counts"] == {"confirmed": 3, "checked_in": 1}
        assert found["trip"]["id"] == str(trip.id)
        assert found["passengers"][0]["from_name"] == "Bengaluru Bus Stand"

    async def test_csv_and_pdf_hold_the_same_and_run_nothing(self, client, world, pool: Pool) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["1A", "1B"])
        await pool.execute("UPDATE tickets SET passenger_name = '=cmd|calc' WHERE seat = '1A'")
        await pool.execute("UPDATE tickets SET passenger_name = 'क्षमा \"the\" Rao, II' WHERE seat = '1B'")
        await pool.execute("UPDATE bookings SET contact_phone = '+919845012345'")
        operator = world.bearer(await world.user("operator", trip.company))
        path = f"/api/trips/{trip.id}/manifest"
        answer = await client.get(path, headers={**operator, "Accept": "text/csv"})
        assert (answer.content_type, answer.charset) == ("text/csv", "utf-8")
        assert "attachment" in answer.headers["Content-Disposition"]
        rows = list(csv.DictReader(io.StringIO(await answer.text(), newline="")))
        assert [row["name"] for row in rows] == ["'=cmd|calc", 'क्षमा "the" Rao, II']
        assert {row["booking_reference"] for row in rows} == {booking.reference}
        answer = await client.get(path, params={"format": "pdf"}, headers=operator)
        assert answer.content_type == "application/pdf"
        text = pypdf.PdfReader(io.BytesIO(await answer.read())).pages[0].extract_text()
        assert booking.reference in text
        assert (await client.get(path, params={"format": "xml"}, headers=operator)).status == 422

    async def test_an_empty_bus_has_an_empty_list(self, client, world) -> None:
        trip = await world.trip()
        admin = world.bearer(await world.user("admin"))
        for wanted in ("json", "csv", "pdf"):
            answer = await client.get(
                f"/api/trips/{trip.id}/manifest", params={"format": wanted}, headers=admin
            )
            assert answer.status == 200

    async def test_it_is_the_crews_alone(self, client, world) -> None:
        trip = await world.trip()
        path = f"/api/trips/{trip.id}/manifest"
        assert (await client.get(path)).status == 401
        assert (await client.get(path, headers=world.bearer(await world.user()))).status == 403
        stranger = await world.user("inspector", await world.company())
        assert (await client.get(path, headers=world.bearer(stranger))).status == 404
