"""Profiles, travellers and dashboards."""

from __future__ import annotations

import pytest

from tests.contract.world import confirmed, eventually, hold, in_hours


class TestProfile:
    def test_it_can_be_changed_in_part(self, passenger):
        before = passenger.get("/api/users/me").ok()
        after = passenger.patch("/api/users/me", {"full_name": "आशा राव", "locale": "hi"}).ok()
        assert after["full_name"] == "आशा राव"
        assert after["locale"] == "hi"
        assert after["email"] == before["email"]
        assert passenger.get("/api/users/me").ok() == after

    def test_a_stale_change_is_refused(self, passenger):
        etag = passenger.get("/api/users/me").headers["ETag"]
        passenger.patch("/api/users/me", {"phone": "+91 98450 12345"}, headers={"If-Match": etag}).ok()
        stale = passenger.patch("/api/users/me", {"phone": None}, headers={"If-Match": etag})
        stale.refused(412, "stale")

    @pytest.mark.parametrize(
        ("body", "field"), [({"locale": "xx"}, "locale"), ({"full_name": ""}, "full_name")]
    )
    def test_a_bad_value_is_named(self, passenger, body, field):
        passenger.patch("/api/users/me", body).invalid(field)

    def test_nothing_to_change_is_refused(self, passenger):
        passenger.patch("/api/users/me", {}).refused(422)


class TestTravellers:
    def test_they_are_kept_listed_and_forgotten(self, passenger):
        made = passenger.post("/api/users/me/travellers", {"name": "Meera", "age": 7, "gender": "female"}).ok(
            201
        )
        assert passenger.get("/api/users/me/travellers").ok()["items"] == [made]
        assert passenger.delete(f"/api/users/me/travellers/{made['id']}").status == 204
        assert passenger.get("/api/users/me/travellers").ok()["items"] == []

    def test_somebody_elses_is_not_found(self, passenger, stranger):
        made = passenger.post("/api/users/me/travellers", {"name": "Meera"}).ok(201)
        stranger.delete(f"/api/users/me/travellers/{made['id']}").refused(404)

    def test_there_is_room_for_twenty(self, passenger):
        for n in range(20):
            passenger.post("/api/users/me/travellers", {"name": f"Traveller {n}"}).ok(201)
        passenger.post("/api/users/me/travellers", {"name": "One more"}).refused(409, "too-many-travellers")

    def test_an_impossible_age_is_named(self, passenger):
        passenger.post("/api/users/me/travellers", {"name": "Meera", "age": 121}).invalid("age")


class TestDashboards:
    def test_a_passenger_sees_trips_and_spend(self, passenger, company):
        trip = company.trip(leg_fare=100)
        booking = confirmed(passenger, trip, "A1", "A2")
        seen = eventually(
            lambda: passenger.get("/api/users/me/dashboard").ok(),
            lambda seen: seen["trips_upcoming"] == 1 and len(seen["upcoming"][0]["seats"]) == 2,
            "the journey on the dashboard",
        )
        assert seen["trips_taken"] == 0
        assert seen["spend"] == [booking["total"]]
        assert seen["upcoming"][0]["booking_id"] == booking["id"]

    def test_a_new_passenger_sees_zeros(self, passenger):
        seen = passenger.get("/api/users/me/dashboard").ok()
        assert (seen["trips_taken"], seen["trips_upcoming"], seen["cancelled"]) == (0, 0, 0)
        assert seen["upcoming"] == []

    def test_a_company_sees_its_own_sales_and_nobody_elses(self, world, passenger):
        company = world.company()
        trip = company.trip(seats=12, leg_fare=100, departs_at=in_hours(30))
        booking = confirmed(passenger, trip, "A1", "A2", "A3")
        seen = eventually(
            lambda: company.operator.get(f"/api/companies/{company.id}/dashboard").ok(),
            lambda seen: seen["totals"]["tickets"] == 3,
            "the sale on the dashboard",
        )
        assert seen["totals"]["revenue"] == booking["total"]
        assert sum(day["tickets"] for day in seen["by_day"]) == 3
        world.company().operator.get(f"/api/companies/{company.id}/dashboard").refused(404)
        passenger.get(f"/api/companies/{company.id}/dashboard").refused(403, "wrong-role")

    def test_a_period_the_wrong_way_round_is_named(self, company):
        params = {"from": "2026-02-01", "to": "2026-01-01"}
        company.operator.get(f"/api/companies/{company.id}/dashboard", params=params).invalid("to")

    def test_the_platforms_is_for_admins(self, world, company, passenger):
        totals = world.admin.get("/api/dashboard").ok()["totals"]
        assert totals["companies"] >= 1
        assert totals["users"] >= 2
        company.operator.get("/api/dashboard").refused(403, "wrong-role")
        hold(passenger, company.trip())
