"""Search, seats, bookings, tickets, waiting and manifests."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from tests.contract.client import Client
from tests.contract.world import (
    booking_becomes,
    confirmed,
    eventually,
    hold,
    in_hours,
    rupees,
    try_hold,
)

KOLKATA = ZoneInfo("Asia/Kolkata")


def local_date(instant_text):
    return str(datetime.fromisoformat(instant_text).astimezone(KOLKATA).date())


def search(client, trip, **changes: Any):
    first, last = trip["stops"][0], trip["stops"][-1]
    params = {
        "from": first["stop_id"],
        "to": last["stop_id"],
        "date": local_date(first["departs_at"]),
        **changes,
    }
    return client.get("/api/search", params=params)


class TestPlaces:
    def test_a_city_is_found_by_the_start_of_its_name_and_with_a_typo(self, anyone, company):
        mark = uuid4().hex[:6]
        company.stop(f"Chikkamagaluru {mark}")
        for text in (f"Chikkamagaluru {mark}", f"chikkamagalur {mark}", f"Chikamagaluru {mark}"):
            found = anyone.get("/api/places", params={"q": text}).ok()["items"]
            assert f"Chikkamagaluru {mark}" in {place["city"] for place in found}, text

    def test_both_cities_and_stops_are_places(self, anyone, company):
        mark = uuid4().hex[:8]
        stop = company.stop(f"Hampi {mark}", f"Bazaar {mark}")
        found = anyone.get("/api/places", params={"q": mark}).ok()["items"]
        assert {(place["kind"], place["id"]) for place in found} == {
            ("city", stop["place"]),
            ("stop", stop["id"]),
        }

    def test_an_empty_question_is_answered_with_cities(self, anyone, company):
        company.trip()
        answer = anyone.get("/api/places")
        assert all(place["kind"] == "city" for place in answer.ok()["items"])
        assert "max-age=300" in answer.headers["Cache-Control"]


class TestSearch:
    def test_a_trip_is_found_between_cities_and_between_stops(self, anyone, company):
        trip = company.trip(leg_fare=100)
        by_stop = search(anyone, trip).ok()["items"]
        places = [
            anyone.get("/api/places", params={"q": trip["stops"][n]["city"]}).ok()["items"][0]["id"]
            for n in (0, -1)
        ]
        by_city = search(anyone, trip, **{"from": places[0], "to": places[1]}).ok()["items"]
        assert by_city == by_stop
        offer = by_stop[0]
        assert offer["trip_id"] == trip["id"]
        assert offer["price_from"] == rupees(300)
        assert offer["seats_left"] == 12
        assert offer["duration_s"] == 3 * 3600
        assert offer["from"]["seq"] == 0
        assert offer["to"]["seq"] == 3

    def test_a_stretch_has_its_own_price_and_times(self, anyone, company):
        trip = company.trip(leg_fare=100)
        stops = trip["stops"]
        offer = search(anyone, trip, **{"from": stops[1]["stop_id"], "to": stops[2]["stop_id"]}).ok()[
            "items"
        ][0]
        assert offer["price_from"] == rupees(100)
        assert offer["from"]["departs_at"] == stops[1]["departs_at"]
        assert offer["to"]["arrives_at"] == stops[2]["arrives_at"]

    def test_nothing_goes_backwards_and_nothing_on_another_day(self, anyone, company):
        trip = company.trip()
        stops = trip["stops"]
        assert (
            search(anyone, trip, **{"from": stops[2]["stop_id"], "to": stops[0]["stop_id"]}).ok()["items"]
            == []
        )
        assert search(anyone, trip, date="2039-01-01").ok()["items"] == []

    def test_a_cancelled_trip_and_one_without_enough_seats_are_not_offered(self, anyone, passenger, company):
        trip = company.trip(seats=4)
        hold(passenger, trip, "A1", "A2")
        assert search(anyone, trip, passengers=2).ok()["items"]
        assert search(anyone, trip, passengers=3).ok()["items"] == []
        company.operator.patch(f"/api/trips/{trip['id']}", {"status": "cancelled"}).ok()
        assert search(anyone, trip).ok()["items"] == []

    def test_it_sorts_by_departure_price_and_duration_and_pages_by_cursor(self, anyone, company):
        route = company.route(cities=2, leg_fare=500)
        cheap = company.layout(fare_percent=80)
        dear = company.layout(fare_percent=150)
        day = in_hours(24 * 5).replace(hour=3, minute=0)
        trips = [
            company.trip(route=route, layout=dear if n % 2 else cheap, departs_at=day.replace(hour=3 + n))
            for n in range(5)
        ]
        expected = {
            "departure": [trip["id"] for trip in trips],
            "price": [trips[n]["id"] for n in (0, 2, 4, 1, 3)],
        }
        for sort, ids in expected.items():
            seen, cursor = [], None
            while True:
                page = search(
                    anyone, trips[0], sort=sort, limit=2, **({"cursor": cursor} if cursor else {})
                ).ok()
                seen += [offer["trip_id"] for offer in page["items"]]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
            assert seen == ids, sort
        assert len(search(anyone, trips[0], sort="duration").ok()["items"]) == 5

    def test_filters_by_time_class_and_company(self, anyone, company, other_company):
        trip = company.trip(departs_at=in_hours(24 * 4).replace(hour=4, minute=30))  # 10:00 in Kolkata
        assert search(anyone, trip, after="09:59", before="10:01").ok()["items"]
        assert search(anyone, trip, after="10:01").ok()["items"] == []
        assert search(anyone, trip, **{"class": "seater"}).ok()["items"]
        assert search(anyone, trip, **{"class": "sleeper"}).ok()["items"] == []
        assert search(anyone, trip, company_id=company.id).ok()["items"]
        assert search(anyone, trip, company_id=other_company.id).ok()["items"] == []

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"from": "atlantis"}, "from"),
            ({"to": str(uuid4())}, "to"),
            ({"date": "tomorrow"}, "date"),
            ({"passengers": 7}, "passengers"),
            ({"sort": "colour"}, "sort"),
            ({"limit": 0}, "limit"),
            ({"cursor": "made-up"}, "cursor"),
            ({"after": "25:00"}, "after"),
        ],
    )
    def test_a_bad_question_is_named(self, anyone, company, change, field):
        search(anyone, company.trip(), **change).invalid(field)

    def test_it_may_be_cached_for_a_moment(self, anyone, company):
        assert search(anyone, company.trip()).headers["Cache-Control"] == "public, max-age=5"


class TestSeatMap:
    def test_seats_tell_price_and_state_per_stretch(self, anyone, passenger, company):
        trip = company.trip(seats=4, leg_fare=100)
        hold(passenger, trip, "A1", from_seq=0, to_seq=2)
        path = f"/api/trips/{trip['id']}/seats"

        def states(**stretch: Any) -> Any:
            seen = anyone.get(path, params=stretch).ok()
            return {seat["seat"]: seat["state"] for seat in seen["seats"]}, seen["seats_left"]

        assert states() == ({"A1": "held", "A2": "free", "A3": "free", "A4": "free"}, 3)
        assert states(**{"from": 1, "to": 2})[0]["A1"] == "held"
        assert states(**{"from": 2, "to": 3})[0]["A1"] == "free"
        seen = anyone.get(path, params={"from": 1, "to": 2}).ok()
        assert seen["seats"][0]["price"] == rupees(100)

    def test_it_changes_its_etag_with_a_sale_and_else_answers_304(self, anyone, passenger, company):
        trip = company.trip()
        path = f"/api/trips/{trip['id']}/seats"
        first = anyone.get(path)
        assert first.headers["Cache-Control"] == "no-cache"
        again = anyone.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status, again.content) == (304, b"")
        confirmed(passenger, trip, "A1")
        after = anyone.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert after.ok()["seats"][0]["state"] == "sold"

    @pytest.mark.parametrize(
        "stretch", [{"from": 2, "to": 1}, {"from": 0, "to": 9}, {"from": -1}, {"from": "x"}]
    )
    def test_a_stretch_that_is_none_is_refused(self, anyone, company, stretch):
        anyone.get(f"/api/trips/{company.trip()['id']}/seats", params=stretch).refused(422)


class TestHold:
    def test_seats_are_held_for_a_while_at_the_price_of_the_stretch(self, passenger, company):
        trip = company.trip(leg_fare=100)
        booking = hold(passenger, trip, "A1", "A2", from_seq=1, to_seq=3)
        assert booking["status"] == "held"
        assert booking["total"] == rupees(400)
        assert booking["contact"]["email"] == passenger.email
        assert booking["from"]["departs_at"] == trip["stops"][1]["departs_at"]
        assert [ticket["status"] for ticket in booking["tickets"]] == ["held", "held"]
        assert len(booking["reference"]) == 8
        assert booking["expires_at"] > booking["created_at"]

    def test_a_taken_seat_is_named_and_nothing_of_the_order_is_kept(self, passenger, stranger, company):
        trip = company.trip()
        hold(passenger, trip, "A2")
        problem = try_hold(stranger, trip, "A1", "A2", "A3").refused(409, "seats-taken")
        assert problem["seats"] == ["A2"]
        assert hold(stranger, trip, "A1", "A3")["status"] == "held"

    def test_the_same_seat_sells_again_on_another_stretch(self, passenger, stranger, company):
        trip = company.trip()
        hold(passenger, trip, "A1", from_seq=0, to_seq=2)
        hold(stranger, trip, "A1", from_seq=2, to_seq=3)
        try_hold(stranger, trip, "A1", from_seq=1, to_seq=3).refused(409, "seats-taken")

    def test_many_at_once_sell_each_seat_once(self, world, company):
        trip = company.trip(seats=8)
        people = [world.passenger() for _ in range(16)]

        def grab(n) -> int:
            person = Client(world.base_url, people[n % 16].token)
            return try_hold(person, trip, f"A{n % 8 + 1}").status

        with ThreadPoolExecutor(16) as crowd:
            statuses = list(crowd.map(grab, range(32)))
        assert statuses.count(201) == 8
        assert set(statuses) == {201, 409}

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"to_seq": 0}, "to_seq"),
            ({"to_seq": 9}, "to_seq"),
            ({"passengers": []}, "passengers"),
            ({"passengers": [{"seat": "Z9", "name": "Asha"}]}, "passengers.0.seat"),
            ({"passengers": [{"seat": "A1", "name": ""}]}, "passengers.0.name"),
            ({"passengers": [{"seat": "A1", "name": "A"}, {"seat": "A1", "name": "B"}]}, "passengers.1.seat"),
            ({"passengers": [{"seat": f"A{n}", "name": "Asha"} for n in range(1, 8)]}, "passengers"),
            ({"contact": {"email": "nowhere"}}, "contact.email"),
            ({"price": 1}, "price"),
        ],
    )
    def test_a_bad_order_is_refused_with_the_field(self, passenger, company, change, field):
        trip = company.trip()
        body = {
            "trip_id": trip["id"],
            "from_seq": 0,
            "to_seq": 3,
            "passengers": [{"seat": "A1", "name": "Asha"}],
        }
        passenger.post("/api/bookings", {**body, **change}).invalid(field)

    def test_an_unknown_trip_is_refused(self, passenger):
        body = {
            "trip_id": str(uuid4()),
            "from_seq": 0,
            "to_seq": 1,
            "passengers": [{"seat": "A1", "name": "Asha"}],
        }
        assert passenger.post("/api/bookings", body).status in {404, 422}

    def test_departed_and_cancelled_trips_are_closed(self, passenger, company):
        gone = company.trip(departs_at=in_hours(-2))
        try_hold(passenger, gone).refused(409, "trip-closed")
        called_off = company.trip()
        company.operator.patch(f"/api/trips/{called_off['id']}", {"status": "cancelled"}).ok()
        try_hold(passenger, called_off).refused(409, "trip-closed")

    def test_nobody_hoards(self, passenger, company):
        for _ in range(3):
            hold(passenger, company.trip())
        try_hold(passenger, company.trip()).refused(409, "too-many-holds")

    def test_what_is_free_is_confirmed_at_once(self, passenger, company):
        booking = hold(passenger, company.trip(leg_fare=0))
        assert booking["status"] == "confirmed"
        assert booking["total"] == rupees(0)


class TestBookings:
    def test_they_are_listed_newest_first_and_by_state(self, passenger, company):
        first = confirmed(passenger, company.trip(), "A1")
        second = hold(passenger, company.trip(), "A1")
        ids = [booking["id"] for booking in passenger.get("/api/bookings").ok()["items"]]
        assert ids == [second["id"], first["id"]]
        held = passenger.get("/api/bookings", params={"status": "held"}).ok()["items"]
        assert [booking["id"] for booking in held] == [second["id"]]
        assert passenger.get("/api/bookings", params={"when": "past"}).ok()["items"] == []

    def test_a_booking_is_for_its_owner_and_the_companys_staff(
        self, passenger, stranger, company, inspector, other_company
    ):
        booking = hold(passenger, company.trip())
        path = f"/api/bookings/{booking['id']}"
        assert passenger.get(path).ok() == booking
        assert inspector.get(path).ok()["id"] == booking["id"]
        stranger.get(path).refused(404)
        other_company.operator.get(path).refused(404)

    def test_polling_costs_a_304_until_it_changes(self, passenger, company):
        booking = hold(passenger, company.trip())
        path = f"/api/bookings/{booking['id']}"
        etag = passenger.get(path).headers["ETag"]
        assert passenger.get(path, headers={"If-None-Match": etag}).status == 304
        passenger.post(f"{path}/cancel").ok()
        assert passenger.get(path, headers={"If-None-Match": etag}).status == 200


class TestCancel:
    def test_a_hold_is_given_up_and_its_seat_is_free_at_once(self, passenger, stranger, company):
        trip = company.trip()
        booking = hold(passenger, trip, "A1")
        cancelled = passenger.post(f"/api/bookings/{booking['id']}/cancel").ok()
        assert cancelled["status"] == "cancelled"
        assert cancelled["refund_due"] == rupees(0)
        hold(stranger, trip, "A1")

    def test_one_seat_of_two_is_cancelled_and_paid_back_by_policy(self, passenger, stranger, company):
        trip = company.trip(leg_fare=100, departs_at=in_hours(48))
        booking = confirmed(passenger, trip, "A1", "A2")
        gone = booking["tickets"][0]
        after = passenger.post(f"/api/bookings/{booking['id']}/cancel", {"ticket_ids": [gone["id"]]}).ok()
        assert after["status"] == "confirmed"
        assert [ticket["status"] for ticket in after["tickets"]] == ["cancelled", "confirmed"]
        assert after["refund_due"] == rupees(270)
        hold(stranger, trip, "A1")
        payment = eventually(
            lambda: passenger.get(f"/api/payments/{after['payment_id']}").ok(),
            lambda seen: [refund["status"] for refund in seen["refunds"]] == ["succeeded"],
            "the refund",
        )
        assert payment["refunded"] == rupees(270)

    @pytest.mark.parametrize(("hours", "percent"), [(48, 90), (10, 50), (3, 0)])
    def test_the_policys_step_decides(self, passenger, company, hours, percent):
        booking = confirmed(passenger, company.trip(leg_fare=100, departs_at=in_hours(hours)))
        offer = passenger.post(f"/api/bookings/{booking['id']}/refund-offer").ok(201)
        assert offer["percent"] == percent
        assert offer["amount"] == {"amount": 30000 * percent // 100, "currency": "INR"}
        body = {"offer_id": offer["id"]}
        assert (
            passenger.post(f"/api/bookings/{booking['id']}/cancel", body).ok()["refund_due"]
            == offer["amount"]
        )

    def test_twice_is_once_too_often(self, passenger, company):
        booking = confirmed(passenger, company.trip())
        path = f"/api/bookings/{booking['id']}/cancel"
        passenger.post(path).ok()
        assert passenger.post(path).refused(409, "not-cancellable")["reason"] == "cancelled"

    def test_another_bookings_ticket_and_a_stranger_are_refused(self, passenger, stranger, company):
        booking, other = hold(passenger, company.trip()), hold(stranger, company.trip())
        path = f"/api/bookings/{booking['id']}/cancel"
        passenger.post(path, {"ticket_ids": [other["tickets"][0]["id"]]}).refused(422)
        stranger.post(path).refused(404)

    def test_a_cancelled_trip_pays_everything_back(self, passenger, company):
        trip = company.trip(leg_fare=100, departs_at=in_hours(2))
        booking = confirmed(passenger, trip)
        company.operator.patch(
            f"/api/trips/{trip['id']}", {"status": "cancelled", "cancel_reason": "Floods"}
        ).ok()
        after = booking_becomes(passenger, booking, "cancelled")
        assert after["refund_due"] == booking["total"]
        assert after["trip_status"] == "cancelled"


class TestTickets:
    def test_a_ticket_stands_alone_as_json_and_pdf(self, passenger, stranger, company):
        booking = confirmed(passenger, company.trip(), "A1")
        path = f"/api/tickets/{booking['tickets'][0]['id']}"
        ticket = passenger.get(path).ok()
        assert ticket["booking_reference"] == booking["reference"]
        assert ticket["status"] == "confirmed"
        pdf = passenger.get(f"{path}.pdf")
        assert pdf.headers["Content-Type"] == "application/pdf"
        assert pdf.content.startswith(b"%PDF-")
        stranger.get(path).refused(404)
        stranger.get(f"{path}.pdf").refused(404)

    def test_a_ticket_says_which_of_its_codes_is_good(self, passenger, company):
        booking = confirmed(passenger, company.trip(), "A1")
        path = f"/api/tickets/{booking['tickets'][0]['id']}"
        assert passenger.get(path).ok()["serial"] == 0
        assert passenger.post(f"{path}/reissue").ok()["serial"] == 1
        assert passenger.get(path).ok()["serial"] == 1

    def test_a_held_ticket_has_no_pdf(self, passenger, company):
        booking = hold(passenger, company.trip())
        passenger.get(f"/api/tickets/{booking['tickets'][0]['id']}.pdf").refused(409, "not-confirmed")


class TestWaitlist:
    def test_who_waits_is_told_when_a_seat_is_free(self, passenger, stranger, company):
        trip = company.trip(seats=1)
        booking = confirmed(passenger, trip, "A1")
        body = {"from_seq": 0, "to_seq": 3, "seats": 1}
        waiting = stranger.post(f"/api/trips/{trip['id']}/waitlist", body).ok(201)
        assert (waiting["status"], waiting["position"]) == ("waiting", 1)
        stranger.post(f"/api/trips/{trip['id']}/waitlist", body).refused(409, "already-waiting")
        passenger.post(f"/api/bookings/{booking['id']}/cancel").ok()
        eventually(
            lambda: stranger.get("/api/waitlist").ok()["items"][0]["status"],
            lambda status: status == "notified",
            "the notice",
        )

    def test_nobody_waits_for_what_is_free(self, passenger, company):
        body = {"from_seq": 0, "to_seq": 3, "seats": 1}
        passenger.post(f"/api/trips/{company.trip()['id']}/waitlist", body).refused(409, "seats-available")

    def test_waiting_can_be_given_up(self, passenger, stranger, company):
        trip = company.trip(seats=1)
        hold(passenger, trip, "A1")
        waiting = stranger.post(
            f"/api/trips/{trip['id']}/waitlist", {"from_seq": 0, "to_seq": 3, "seats": 1}
        ).ok(201)
        passenger.delete(f"/api/waitlist/{waiting['id']}").refused(404)
        assert stranger.delete(f"/api/waitlist/{waiting['id']}").status == 204


class TestManifest:
    def test_it_lists_who_rides_as_json_csv_and_pdf(self, passenger, company, inspector):
        trip = company.trip()
        booking = confirmed(passenger, trip, "A1", "A2", from_seq=1, to_seq=3)
        path = f"/api/trips/{trip['id']}/manifest"
        seen = inspector.get(path).ok()
        assert [(row["seat"], row["from_seq"], row["to_seq"]) for row in seen["passengers"]] == [
            ("A1", 1, 3),
            ("A2", 1, 3),
        ]
        assert seen["counts"] == {"confirmed": 2, "checked_in": 0}
        table = inspector.get(path, params={"format": "csv"})
        assert table.headers["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(table.text)))
        assert {row["booking_reference"] for row in rows} == {booking["reference"]}
        assert inspector.get(path, params={"format": "pdf"}).content.startswith(b"%PDF-")
        assert (
            inspector.get(path, headers={"Accept": "text/csv"}).headers["Content-Type"].startswith("text/csv")
        )

    def test_a_spreadsheet_does_not_run_a_passengers_name(self, passenger, company, inspector):
        trip = company.trip()
        body = {
            "trip_id": trip["id"], "from_seq": 0, "to_seq": 3,
            "passengers": [{"seat": "A1", "name": '=HYPERLINK("http://evil.example")'}],
        }  # fmt: skip
        booking = passenger.post("/api/bookings", body).ok(201)
        from tests.contract.world import pay

        pay(passenger, booking)
        booking_becomes(passenger, booking, "confirmed")
        rows = list(
            csv.DictReader(io.StringIO(inspector.get(f"/api/trips/{trip['id']}/manifest?format=csv").text))
        )
        assert not rows[0]["name"].startswith("=")

    def test_it_is_for_the_companys_staff(self, passenger, company, other_company):
        path = f"/api/trips/{company.trip()['id']}/manifest"
        passenger.get(path).refused(403, "wrong-role")
        other_company.operator.get(path).refused(404)
