"""Companies, fleet, network, schedule and feeds."""

from __future__ import annotations

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.client import Client
from tests.contract.world import confirmed, hold, in_hours, instant, rupees

TODAY = datetime.now(UTC).date()
SMALL_FEED = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nA,City Buses,https://example.org,Asia/Kolkata\n",
    "stops.txt": (
        "stop_id,stop_name,stop_lat,stop_lon\nS1,Market,12.30,76.65\nS2,Palace,12.31,76.66\nS3,Zoo,12.32,76.67\n"
    ),
    "routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type\nR1,A,1,Market to Zoo,3\n",
    "trips.txt": "route_id,service_id,trip_id,trip_headsign\nR1,DAILY,T1,Zoo\nR1,DAILY,T2,Zoo\n",
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "T1,08:00:00,08:00:00,S1,1\nT1,08:10:00,08:11:00,S2,2\nT1,08:20:00,08:20:00,S3,3\n"
        "T2,24:30:00,24:30:00,S1,1\nT2,24:40:00,24:41:00,S2,2\nT2,24:50:00,24:50:00,S3,3\n"
    ),
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        f"DAILY,1,1,1,1,1,1,1,{TODAY - timedelta(days=30):%Y%m%d},{TODAY + timedelta(days=300):%Y%m%d}\n"
    ),
}


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def send_feed(company, files, **params: Any):
    headers = {"Content-Type": "application/zip"}
    path = f"/api/companies/{company.id}/gtfs"
    return company.operator.post(path, data=zipped(files), headers=headers, params=params)


class TestCompanies:
    def test_anyone_can_read_them(self, anyone, company):
        seen = anyone.get(f"/api/companies/{company.id}").ok()
        assert seen["name"] == company.body["name"]
        assert anyone.get("/api/companies", params={"limit": 1}).ok()["items"]

    def test_only_an_admin_makes_one(self, company):
        body = {"name": "X", "contact_email": "a@b.example", "time_zone": "Asia/Kolkata", "currency": "INR"}
        company.operator.post("/api/companies", body).refused(403, "wrong-role")

    def test_a_slug_is_taken_once(self, world):
        slug = f"slug-{uuid4().hex[:8]}"
        world.company(slug=slug)
        body = {
            "name": "Y", "slug": slug, "contact_email": "a@b.example",
            "time_zone": "Asia/Kolkata", "currency": "INR",
        }  # fmt: skip
        world.admin.post("/api/companies", body).refused(409, "slug-taken")

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"time_zone": "Asia/Nowhere"}, "time_zone"),
            ({"currency": "rupees"}, "currency"),
            ({"contact_email": "nobody"}, "contact_email"),
            (
                {"refund_policy": {"steps": [{"hours_before": 1, "percent": 101}]}},
                "refund_policy.steps.0.percent",
            ),
        ],
    )
    def test_a_bad_field_is_named(self, world, change, field):
        body = {
            "name": "Z",
            "contact_email": "a@b.example",
            "time_zone": "Asia/Kolkata",
            "currency": "INR",
            **change,
        }
        world.admin.post("/api/companies", body).invalid(field)

    def test_the_etag_of_what_came_packed_is_as_good(self, company):
        path = f"/api/trips/{company.trip(route=company.route(cities=8))['id']}"
        seen = company.operator.get(path, headers={"Accept-Encoding": "gzip"})
        assert seen.headers["Content-Encoding"] == "gzip"
        fresh = {"If-Match": seen.headers["ETag"]}
        assert fresh["If-Match"].startswith("W/")
        assert company.operator.patch(path, {"delay_min": 7}, headers=fresh).ok()["delay_min"] == 7
        company.operator.patch(path, {"delay_min": 9}, headers=fresh).refused(412, "stale")

    def test_an_operator_changes_the_own_one_with_a_fresh_etag(self, world):
        company = world.company()
        path = f"/api/companies/{company.id}"
        etag = company.operator.get(path).headers["ETag"]
        changed = company.operator.patch(
            path, {"contact_phone": "+918041234567"}, headers={"If-Match": etag}
        ).ok()
        assert changed["contact_phone"] == "+918041234567"
        company.operator.patch(path, {"contact_phone": None}, headers={"If-Match": etag}).refused(
            412, "stale"
        )
        company.operator.patch(path, {"status": "suspended"}).refused(403, "wrong-role")
        world.company().operator.patch(path, {"contact_phone": "0"}).refused(404)


class TestFleet:
    def test_a_bus_is_listed_read_and_retired(self, company):
        bus = company.bus(company.layout(8)["id"])
        assert bus["capacity"] == 8
        assert company.operator.get(f"/api/buses/{bus['id']}").ok() == bus
        retired = company.operator.patch(f"/api/buses/{bus['id']}", {"status": "retired"}).ok()
        assert retired["status"] == "retired"

    def test_a_plate_is_taken_once_even_across_companies(self, company, other_company):
        bus = company.bus(company.layout()["id"])
        body = {"plate": bus["plate"], "layout_id": other_company.layout()["id"]}
        other_company.operator.post(f"/api/companies/{other_company.id}/buses", body).refused(
            409, "plate-taken"
        )

    def test_another_companys_things_are_not_found(self, company, other_company, passenger):
        layout = company.layout()
        bus, driver = company.bus(layout["id"]), company.driver()
        for path in (
            f"/api/buses/{bus['id']}",
            f"/api/drivers/{driver['id']}",
            f"/api/layouts/{layout['id']}",
        ):
            other_company.operator.get(path).refused(404)
            passenger.get(path).refused(403, "wrong-role")
        other_company.operator.patch(f"/api/buses/{bus['id']}", {"name": "mine"}).refused(404)
        body = {"plate": "X 1", "layout_id": layout["id"]}
        other_company.operator.post(f"/api/companies/{other_company.id}/buses", body).invalid("layout_id")

    @pytest.mark.parametrize(
        ("seat", "problem"),
        [
            ({"seat": "A1", "deck": "lower", "row": 2, "column": 1, "class": "seater"}, "seats.1.seat"),
            ({"seat": "A2", "deck": "lower", "row": 1, "column": 1, "class": "seater"}, "seats.1"),
            ({"seat": "A2", "deck": "lower", "row": 9, "column": 1, "class": "seater"}, "seats.1.row"),
            ({"seat": "A2", "deck": "upper", "row": 1, "column": 1, "class": "seater"}, "seats.1.deck"),
            ({"seat": "A2", "deck": "lower", "row": 2, "column": 1, "class": "royal"}, "seats.1.class"),
            ({"seat": "TOO LONG", "deck": "lower", "row": 2, "column": 1, "class": "seater"}, "seats.1.seat"),
        ],
    )
    def test_a_layout_that_cannot_be_is_refused(self, company, seat, problem):
        body = {
            "name": "Odd",
            "decks": [{"deck": "lower", "rows": 2, "columns": 2}],
            "classes": [{"code": "seater", "name": "Seater", "fare_percent": 100}],
            "seats": [{"seat": "A1", "deck": "lower", "row": 1, "column": 1, "class": "seater"}, seat],
        }
        problems = company.operator.post(f"/api/companies/{company.id}/layouts", body).refused(422)["errors"]
        assert any(field == problem or field.startswith(f"{problem}.") for field in problems), problems

    def test_an_inspector_may_look_but_not_change(self, company, inspector):
        inspector.get(f"/api/companies/{company.id}/buses").ok()
        layout_id = company.layout()["id"]
        body = {"plate": "N 1", "layout_id": layout_id}
        inspector.post(f"/api/companies/{company.id}/buses", body).refused(403, "wrong-role")


class TestNetwork:
    def test_a_route_tells_its_stops_times_and_fares(self, anyone, company):
        route = company.route(cities=3, leg_fare=250)
        seen = anyone.get(f"/api/routes/{route['id']}").ok()
        assert [stop["seq"] for stop in seen["stops"]] == [0, 1, 2]
        assert [stop["leg_fare"] for stop in seen["stops"]] == [rupees(0), rupees(250), rupees(250)]
        assert [stop["arrive_s"] for stop in seen["stops"]] == [0, 3600, 7200]

    @pytest.mark.parametrize(
        ("calls", "field"),
        [
            ([(0, 0), (100, 50)], "stops.1.depart_s"),
            ([(0, 200), (100, 100)], "stops.1.arrive_s"),
            ([(0, 0)], "stops"),
        ],
    )
    def test_times_that_fall_and_single_stops_are_refused(self, company, calls, field):
        stop = company.stop("Salem")
        stops = [
            {"stop_id": stop["id"], "arrive_s": arrive, "depart_s": depart, "leg_fare": rupees(0)}
            for arrive, depart in calls
        ]
        body = {"name": "Odd", "stops": stops}
        problems = company.operator.post(f"/api/companies/{company.id}/routes", body).refused(422)["errors"]
        assert field in problems, problems

    def test_another_companys_stop_cannot_be_called_at(self, company, other_company):
        calls = [
            {"stop_id": stop["id"], "arrive_s": n * 60, "depart_s": n * 60, "leg_fare": rupees(n)}
            for n, stop in enumerate((company.stop("Salem"), other_company.stop("Erode")))
        ]
        body = {"name": "Mixed", "stops": calls}
        company.operator.post(f"/api/companies/{company.id}/routes", body).invalid("stops.1.stop_id")

    def test_a_route_in_use_keeps_its_stops(self, company):
        route = company.route(cities=2)
        company.trip(route=route)
        calls = [
            {key: stop[key] for key in ("stop_id", "arrive_s", "depart_s", "leg_fare")}
            for stop in route["stops"]
        ]
        calls[0]["stop_id"], calls[1]["stop_id"] = calls[1]["stop_id"], calls[0]["stop_id"]
        path = f"/api/routes/{route['id']}"
        company.operator.patch(path, {"stops": calls}).refused(409, "route-in-use")
        assert (
            company.operator.patch(f"/api/routes/{route['id']}", {"name": "Renamed"}).ok()["name"]
            == "Renamed"
        )

    @pytest.mark.parametrize(
        ("change", "field"),
        [({"lat": 91}, "lat"), ({"time_zone": "Mars/Base"}, "time_zone"), ({"name": ""}, "name")],
    )
    def test_a_stop_nowhere_is_refused(self, company, change, field):
        body = {"name": "S", "city": "C", "lat": 1, "lon": 1, "time_zone": "Asia/Kolkata", **change}
        company.operator.post(f"/api/companies/{company.id}/stops", body).invalid(field)


class TestSchedule:
    def test_a_departure_tells_when_it_is_where(self, anyone, company):
        departs_at = in_hours(72)
        trip = company.trip(route=company.route(cities=3), departs_at=departs_at)
        seen = anyone.get(f"/api/trips/{trip['id']}").ok()
        assert seen["departs_at"] == instant(departs_at)
        assert seen["stops"][1]["arrives_at"] == instant(departs_at + timedelta(hours=1))
        assert seen["stops"][1]["departs_at"] == instant(departs_at + timedelta(hours=1, minutes=5))
        assert seen["arrives_at"] == instant(departs_at + timedelta(hours=2))
        assert seen["capacity"] == 12

    def test_the_plan_of_a_departure_has_all_that_it_takes_to_sell_it(self, anyone, company):
        route, layout = company.route(cities=3, leg_fare=120), company.layout(8)
        trip = company.trip(route=route, layout=layout)
        plan = anyone.get(f"/api/trips/{trip['id']}/plan").ok()
        assert {key: plan["trip"][key] for key in trip} == trip
        assert plan["trip"].keys() - trip.keys() == {"timetable_id", "created_at"}
        assert plan["trip"]["timetable_id"] is None
        fields = ("id", "name", "status", "currency", "time_zone", "refund_policy")
        assert plan["company"] == {key: company.body[key] for key in fields}
        calls = plan["route"].pop("calls")
        assert plan["route"] == {"id": route["id"], "name": route["name"], "currency": "INR"}
        assert [(call["seq"], call["arrive_s"], call["depart_s"], call["leg_fare"]) for call in calls] == [
            (0, 0, 0, 0), (1, 3600, 3900, 12_000), (2, 7200, 7200, 12_000),
        ]  # fmt: skip
        stop = anyone.get(f"/api/stops/{route['stops'][0]['stop_id']}").ok()
        keys = ("id", "name", "city", "place", "lat", "lon", "time_zone")
        assert calls[0]["stop"] == {key: stop[key] for key in keys}
        assert plan["layout"] == {key: layout[key] for key in ("id", "capacity", "decks", "classes", "seats")}
        anyone.get(f"/api/trips/{uuid4()}/plan").refused(404)

    def test_a_calendar_makes_a_departure_on_each_of_its_days(self, company):
        monday = (datetime.now(UTC) + timedelta(days=60)).date()
        monday += timedelta(days=-monday.weekday())
        body = {
            "route_id": company.route(cities=2)["id"],
            "layout_id": company.layout()["id"],
            "calendar": {
                "from": str(monday), "to": str(monday + timedelta(days=13)),
                "weekdays": [1, 5], "time": "21:30",
            },
        }  # fmt: skip
        made = company.operator.post(f"/api/companies/{company.id}/trips", body).ok(201)
        assert made["created"] == 4
        assert {trip["departs_at"][11:] for trip in made["items"]} == {"16:00:00Z"}
        assert [trip["service_date"] for trip in made["items"]] == [
            str(monday + timedelta(days=n)) for n in (0, 4, 7, 11)
        ]

    def test_a_bus_cannot_be_on_two_departures_at_once(self, company):
        bus = company.bus(company.layout()["id"])
        route = company.route(cities=3)
        first = company.trip(route=route, departs_at=in_hours(48), bus_id=bus["id"])
        body = {"route_id": route["id"], "departs_at": instant(in_hours(49)), "bus_id": bus["id"]}
        problem = company.operator.post(f"/api/companies/{company.id}/trips", body).refused(409, "bus-busy")
        assert problem["conflicts"][0]["trip_id"] == first["id"]
        company.operator.post(
            f"/api/companies/{company.id}/trips", {**body, "departs_at": instant(in_hours(50))}
        ).ok(201)

    def test_of_many_who_want_a_driver_at_once_one_gets_him(self, company):
        driver, route, layout = company.driver(), company.route(cities=2), company.layout()

        def plan(_) -> int:
            body = {
                "route_id": route["id"], "departs_at": instant(in_hours(90)), "driver_id": driver["id"],
                "layout_id": layout["id"],
            }  # fmt: skip
            operator = Client(company.operator.base_url, company.operator.token)
            return operator.post(f"/api/companies/{company.id}/trips", body).status

        with ThreadPoolExecutor(8) as planners:
            statuses = sorted(planners.map(plan, range(8)))
        assert statuses == [201] + [409] * 7

    def test_a_calendar_with_a_conflict_makes_nothing(self, company):
        bus, route = company.bus(company.layout()["id"]), company.route(cities=2)
        day = (datetime.now(UTC) + timedelta(days=20)).date()
        taken = datetime(day.year, day.month, day.day, 6, 0, tzinfo=UTC)
        company.trip(route=route, departs_at=taken, bus_id=bus["id"])
        calendar = {
            "from": str(day - timedelta(days=3)),
            "to": str(day + timedelta(days=3)),
            "weekdays": [*range(1, 8)],
        }
        body = {"route_id": route["id"], "bus_id": bus["id"], "calendar": {**calendar, "time": "11:30"}}
        problem = company.operator.post(f"/api/companies/{company.id}/trips", body).refused(409, "bus-busy")
        assert len(problem["conflicts"]) == 1
        mine = company.operator.get(
            f"/api/companies/{company.id}/trips", params={"route_id": route["id"]}
        ).ok()["items"]
        assert len(mine) == 1

    def test_a_delay_shows_and_a_cancellation_is_final(self, company):
        trip = company.trip()
        path = f"/api/trips/{trip['id']}"
        assert company.operator.patch(path, {"delay_min": 45}).ok()["delay_min"] == 45
        cancelled = company.operator.patch(path, {"status": "cancelled", "cancel_reason": "Floods"}).ok()
        assert (cancelled["status"], cancelled["cancel_reason"]) == ("cancelled", "Floods")
        company.operator.patch(path, {"delay_min": 0}).refused(409, "trip-cancelled")

    def test_a_bus_that_lacks_sold_seats_cannot_take_over(self, company, passenger):
        trip = company.trip(seats=12)
        confirmed(passenger, trip, "A12")
        small, large = company.bus(company.layout(8)["id"]), company.bus(company.layout(16)["id"])
        path = f"/api/trips/{trip['id']}"
        problem = company.operator.patch(path, {"bus_id": small["id"]}).refused(409, "layout-mismatch")
        assert problem["seats"] == ["A12"]
        assert company.operator.patch(path, {"bus_id": large["id"]}).ok()["capacity"] == 16

    def test_neither_bus_nor_layout_is_refused(self, company):
        body = {"route_id": company.route(cities=2)["id"], "departs_at": instant(in_hours(48))}
        company.operator.post(f"/api/companies/{company.id}/trips", body).refused(422)

    def test_the_schedule_pages_by_cursor_in_order_of_departure(self, world):
        company = world.company()
        route, layout = company.route(cities=2), company.layout()
        for hours in (50, 30, 40, 60, 20):
            company.trip(route=route, layout=layout, departs_at=in_hours(hours))
        path, seen, cursor = f"/api/companies/{company.id}/trips", [], None
        while True:
            page = company.operator.get(
                path, params={"limit": 2, **({"cursor": cursor} if cursor else {})}
            ).ok()
            seen += [trip["departs_at"] for trip in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert len(seen) == 5
        assert seen == sorted(seen)


class TestFeeds:
    def test_an_imported_feed_can_be_published_found_and_exported(self, world, anyone):
        company = world.company()
        counts = send_feed(company, SMALL_FEED, city=f"Mysuru {uuid4().hex[:6]}").ok(201)
        assert (counts["stops"], counts["timetables"]) == (3, 2)
        day = (datetime.now(UTC) + timedelta(days=3)).date()
        body = {"timetables": {"from": str(day), "to": str(day)}, "layout_id": company.layout()["id"]}
        made = company.operator.post(f"/api/companies/{company.id}/trips", body).ok(201)
        assert made["created"] == 2
        night = max(made["items"], key=itemgetter("departs_at"))
        assert night["service_date"] == str(day)
        assert (
            night["departs_at"] == f"{day}T19:00:00Z"
        )  # 24:30 in Kolkata is half past midnight of the next day
        stops = night["stops"]
        params = {
            "from": stops[0]["stop_id"],
            "to": stops[-1]["stop_id"],
            "date": str(day + timedelta(days=1)),
        }
        offers = anyone.get("/api/search", params=params).ok()["items"]
        assert [offer["trip_id"] for offer in offers] == [night["id"]]
        again = company.operator.post(f"/api/companies/{company.id}/trips", body).ok(201)
        assert (again["created"], again["skipped"]) == (0, 2)
        exported = company.operator.get(f"/api/companies/{company.id}/gtfs")
        assert exported.headers["Content-Type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(exported.content)) as archive:
            assert {"agency.txt", "stops.txt", "routes.txt", "trips.txt", "stop_times.txt"} <= {
                *archive.namelist()
            }
        imports = company.operator.get(f"/api/companies/{company.id}/gtfs/imports").ok()["items"]
        assert imports[0]["status"] == "succeeded"

    def test_a_feed_that_is_over_runs_on_a_chosen_day_like_on_one_of_its_own(self, world, anyone, passenger):
        company = world.company()
        old = SMALL_FEED["calendar.txt"].rpartition("DAILY")[0] + "DAILY,1,1,1,1,1,0,0,20140101,20141231\n"
        send_feed(company, {**SMALL_FEED, "calendar.txt": old}, city=f"Mysuru {uuid4().hex[:6]}").ok(201)
        day = str((datetime.now(UTC) + timedelta(days=4)).date())
        span = {"from": day, "to": day}
        body = {"timetables": span, "layout_id": company.layout()["id"]}
        path = f"/api/companies/{company.id}/trips"
        assert company.operator.post(path, body).ok(201)["created"] == 0
        sunday, monday = "2014-06-01", "2014-06-02"
        assert (
            company.operator.post(path, {**body, "timetables": {**span, "like": sunday}}).ok(201)["created"]
            == 0
        )
        made = company.operator.post(path, {**body, "timetables": {**span, "like": monday}}).ok(201)["items"]
        assert {trip["service_date"] for trip in made} == {day}
        morning = min(made, key=itemgetter("departs_at"))
        stops = morning["stops"]
        params = {"from": stops[0]["stop_id"], "to": stops[-1]["stop_id"], "date": day}
        assert morning["id"] in {
            offer["trip_id"] for offer in anyone.get("/api/search", params=params).ok()["items"]
        }
        assert hold(passenger, morning)["status"] in {"held", "confirmed"}

    def test_importing_it_again_changes_nothing(self, world):
        company = world.company()
        for _ in range(2):
            send_feed(company, SMALL_FEED, city="Mysuru").ok(201)
        stops = company.operator.get(f"/api/companies/{company.id}/stops", params={"limit": 100}).ok()[
            "items"
        ]
        assert len(stops) == 3

    @pytest.mark.parametrize(
        ("file", "old", "new", "where"),
        [
            ("stops.txt", "12.31", "north", "stops.txt:3:stop_lat"),
            ("stop_times.txt", "08:10:00", "8h10", "stop_times.txt:3:arrival_time"),
            ("trips.txt", "R1,DAILY,T2", "R9,DAILY,T2", "trips.txt:3:route_id"),
            ("stop_times.txt", "24:41:00,S2", "24:41:00,S9", "stop_times.txt:6:stop_id"),
        ],
    )
    def test_an_error_names_file_line_and_column_and_imports_nothing(self, world, file, old, new, where):
        company = world.company()
        broken = {**SMALL_FEED, file: SMALL_FEED[file].replace(old, new, 1)}
        problem = send_feed(company, broken, city="Mysuru").refused(422, "invalid-feed")
        assert where in problem["errors"], problem
        assert company.operator.get(f"/api/companies/{company.id}/stops").ok()["items"] == []

    def test_a_missing_file_and_what_is_no_zip_are_said(self, company):
        feed = {name: text for name, text in SMALL_FEED.items() if name != "stops.txt"}
        assert "stops.txt" in send_feed(company, feed).refused(422, "invalid-feed")["detail"] + str(
            send_feed(company, feed).json["errors"]
        )
        headers = {"Content-Type": "application/zip"}
        company.operator.post(
            f"/api/companies/{company.id}/gtfs", data=b"not a zip", headers=headers
        ).refused(422)
        headers = {"Content-Type": "text/plain"}
        company.operator.post(f"/api/companies/{company.id}/gtfs", data=b"x", headers=headers).refused(415)
