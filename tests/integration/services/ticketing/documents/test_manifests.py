"""Who rides on a departure, for its crew."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pypdf

if TYPE_CHECKING:
    from common.database import Pool
    from tests.integration.services.ticketing.conftest import RunSweep


class TestManifest:
    async def test_who_rides_by_seat_and_stop(self, client, world) -> None:
        trip = await world.trip(rows=10)
        await world.booking(trip, seats=["10A"], from_seq=0, to_seq=1)
        await world.booking(trip, seats=["2A"], from_seq=2, to_seq=3)
        booking = await world.booking(trip, seats=["2A"], from_seq=0, to_seq=1)
        await world.booking(trip, seats=["3A"], status="held")
        await world.booking(trip, seats=["3B"], status="cancelled")
        await world.check_in(booking.ticket_ids[0], trip)
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

    async def test_on_paper_too_one_sees_who_boarded_with_a_ticket_that_was_given_back(
        self, client, world, sweep: RunSweep
    ) -> None:
        trip = await world.trip()
        booking = await world.booking(trip, seats=["1A", "1B"])
        answer = await client.post(
            f"/api/bookings/{booking.id}/cancel",
            json={"ticket_ids": [str(booking.ticket_ids[0])]},
            headers=world.bearer(booking.user),
        )
        assert answer.status == 200
        await world.check_in(booking.ticket_ids[0], trip)
        assert await sweep("note who boarded with a ticket given back") == 1
        driver = world.bearer(await world.user("driver", trip.company))
        answer = await client.get(f"/api/trips/{trip.id}/manifest", params={"format": "pdf"}, headers=driver)
        text = " ".join(pypdf.PdfReader(io.BytesIO(await answer.read())).pages[0].extract_text().split())
        assert "1 passengers, 1 on board" in text
        assert text.count("on board, though the ticket was given back") == 1
        assert text.index("Passenger 1A") < text.index("though the ticket") < text.index("Passenger 1B")

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

    async def test_it_says_what_the_trip_is_as_its_owner_does(self, client, world) -> None:
        company = await world.company()
        layout = await world.layout(company)
        bus_id, driver_id = await world.bus(layout, plate="KA 01 F 1234"), await world.driver(company)
        trip = await world.trip(company, layout=layout, bus_id=bus_id, driver_id=driver_id, delay_min=5)
        admin = world.bearer(await world.user("admin"))
        found = (await (await client.get(f"/api/trips/{trip.id}/manifest", headers=admin)).json())["trip"]
        assert (found["bus_plate"], found["driver_name"]) == ("KA 01 F 1234", "Ravi Kumar")
        assert (found["capacity"], found["delay_min"]) == (12, 5)
        assert found["departs_at"] == trip.departs_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert [stop["seq"] for stop in found["stops"]] == [0, 1, 2, 3]
        assert found["stops"][-1]["arrives_at"] == found["arrives_at"]

    async def test_a_departure_that_nobody_knows_is_not_there(self, client, world, site) -> None:
        path = "/api/trips/019c0000-0000-7000-8000-000000000000/manifest"
        admin = world.bearer(await world.user("admin"))
        assert (await client.get(path, headers=admin)).status == 404
        assert len(site.asked) == 1
