"""Codes, verdicts, check-ins and what a scanner needs without a network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.client import Client
from tests.contract.world import confirmed, hold, in_hours, instant, qr_token


def nonce():
    return uuid4().hex


@pytest.fixture
def trip(company):
    return company.trip(departs_at=in_hours(2))


@pytest.fixture
def ticket(passenger, trip):
    return confirmed(passenger, trip, "A1", from_seq=0, to_seq=2)["tickets"][0]


@pytest.fixture
def token(passenger, ticket):
    return qr_token(passenger, ticket)


def check_in(client, code, trip, **fields: Any):
    return client.post("/api/check-ins", {"token": code, "trip_id": trip["id"], "nonce": nonce(), **fields})


class TestCodes:
    def test_it_is_a_short_text_or_an_image(self, passenger, ticket, token):
        assert len(token) == 150
        path = f"/api/tickets/{ticket['id']}/qr"
        png = passenger.get(path, params={"format": "png", "size": 256})
        assert png.headers["Content-Type"] == "image/png"
        assert png.content.startswith(b"\x89PNG")
        svg = passenger.get(path, params={"format": "svg"})
        assert svg.headers["Content-Type"].startswith("image/svg+xml")
        assert "<svg" in svg.text

    @pytest.mark.parametrize(
        ("params", "field"), [({"format": "gif"}, "format"), ({"size": 1}, "size"), ({"ec": "X"}, "ec")]
    )
    def test_a_bad_wish_is_named(self, passenger, ticket, params, field):
        passenger.get(f"/api/tickets/{ticket['id']}/qr", params=params).invalid(field)

    def test_only_the_owner_and_staff_get_it_and_only_when_confirmed(
        self, passenger, stranger, inspector, ticket, company
    ):
        stranger.get(f"/api/tickets/{ticket['id']}/qr").refused(404)
        inspector.get(f"/api/tickets/{ticket['id']}/qr").ok()
        held = hold(passenger, company.trip())["tickets"][0]
        passenger.get(f"/api/tickets/{held['id']}/qr").refused(409, "not-confirmed")

    def test_anyone_can_have_the_public_keys(self, anyone):
        answer = anyone.get("/api/qr/keys")
        assert "max-age=300" in answer.headers["Cache-Control"]
        key = answer.ok()["keys"][0]
        assert key["alg"] == "Ed25519"
        assert "private" not in key


class TestVerdicts:
    def verdict(self, client, token, **fields: Any):
        return client.post("/api/qr/verify", {"token": token, **fields}).ok()

    def test_a_good_code_is_ok_and_verifying_changes_nothing(self, inspector, token, trip):
        for _ in range(2):
            seen = self.verdict(inspector, token, trip_id=trip["id"], stop_seq=0)
            assert (seen["valid"], seen["reason"], seen["seat"]) == (True, "ok", "A1")

    def test_another_trip_and_another_leg(self, inspector, company, token, trip):
        assert self.verdict(inspector, token, trip_id=company.trip()["id"])["reason"] == "wrong_trip"
        assert self.verdict(inspector, token, trip_id=trip["id"], stop_seq=2)["reason"] == "wrong_leg"

    def test_a_changed_code_and_plain_nonsense(self, inspector, token):
        changed = token[:-3] + ("AAA" if token[-3:] != "AAA" else "BBB")
        assert self.verdict(inspector, changed)["reason"] in {"bad_signature", "unknown"}
        assert self.verdict(inspector, "HELLO")["reason"] in {"bad_signature", "unknown"}

    def test_far_too_early(self, passenger, company, inspector):
        ticket = confirmed(passenger, company.trip(departs_at=in_hours(72)))["tickets"][0]
        assert self.verdict(inspector, qr_token(passenger, ticket))["reason"] == "too_early"

    def test_cancelled_and_reissued(self, passenger, inspector, ticket, token):
        passenger.post(f"/api/tickets/{ticket['id']}/reissue").ok()
        assert self.verdict(inspector, token)["reason"] == "revoked"
        fresh = qr_token(passenger, ticket)
        assert fresh != token
        assert self.verdict(inspector, fresh)["reason"] == "ok"
        passenger.post(f"/api/bookings/{ticket['booking_id']}/cancel").ok()
        assert self.verdict(inspector, fresh)["reason"] == "cancelled"

    def test_another_companys_ticket_is_unknown_and_passengers_do_not_ask(
        self, passenger, other_company, token
    ):
        assert self.verdict(other_company.operator, token)["reason"] == "unknown"
        passenger.post("/api/qr/verify", {"token": token}).refused(403, "wrong-role")


class TestCheckIn:
    def test_once_and_not_twice(self, inspector, token, trip, ticket):
        made = check_in(inspector, token, trip, device_id="gate-1").ok(201)
        assert made["ticket_id"] == ticket["id"]
        assert made["duplicate"] is False
        problem = check_in(inspector, token, trip).refused(409, "check-in-refused")
        assert problem["reason"] == "already_used"
        assert problem["verdict"]["checked_in_at"] == made["scanned_at"]

    def test_the_same_scan_sent_again_is_the_same_check_in(self, inspector, token, trip):
        body = {"token": token, "trip_id": trip["id"], "nonce": nonce()}
        first = inspector.post("/api/check-ins", body).ok(201)
        assert inspector.post("/api/check-ins", body).ok(200) == first

    def test_many_inspectors_at_once_let_one_passenger_on(self, inspector, token, trip):
        def scan(_) -> int:
            return check_in(Client(inspector.base_url, inspector.token), token, trip).status

        with ThreadPoolExecutor(8) as gates:
            statuses = sorted(gates.map(scan, range(16)))
        assert statuses == [201] + [409] * 15

    def test_refusals_carry_the_machine_reason(self, company, inspector, token):
        problem = check_in(inspector, token, company.trip()).refused(409, "check-in-refused")
        assert problem["reason"] == "wrong_trip"

    def test_it_is_for_the_companys_staff(self, passenger, other_company, token, trip):
        check_in(passenger, token, trip).refused(403, "wrong-role")
        assert check_in(other_company.operator, token, trip).status in {404, 409}

    @pytest.mark.parametrize(
        ("fields", "field"),
        [({"nonce": "short"}, "nonce"), ({"token": ""}, "token"), ({"stop_seq": -1}, "stop_seq")],
    )
    def test_a_bad_scan_is_named(self, inspector, token, trip, fields, field):
        check_in(inspector, token, trip, **fields).invalid(field)

    def test_a_checked_in_ticket_cannot_be_cancelled(self, passenger, inspector, token, trip, ticket):
        check_in(inspector, token, trip).ok(201)
        problem = passenger.post(f"/api/bookings/{ticket['booking_id']}/cancel").refused(
            409, "not-cancellable"
        )
        assert problem["reason"] == "checked-in"

    def test_it_shows_on_the_trips_list(self, inspector, token, trip):
        made = check_in(inspector, token, trip).ok(201)
        listed = inspector.get(f"/api/trips/{trip['id']}/check-ins").ok()["items"]
        assert [(row["id"], row["seat"], row["offline"]) for row in listed] == [(made["id"], "A1", False)]


class TestOffline:
    def test_the_list_has_what_a_scanner_needs(self, passenger, inspector, trip, ticket):
        path = f"/api/trips/{trip['id']}/offline-list"
        answer = inspector.get(path)
        seen = answer.ok()
        assert [(row["ticket_id"], row["seat"], row["status"]) for row in seen["tickets"]] == [
            (ticket["id"], "A1", "confirmed")
        ]
        assert seen["keys"]
        assert seen["revoked"] == []
        passenger.post(f"/api/tickets/{ticket['id']}/reissue").ok()
        assert {"ticket_id": ticket["id"], "serial": 0} in inspector.get(path).ok()["revoked"]
        passenger.get(path).refused(403, "wrong-role")

    def test_a_batch_is_recorded_as_it_happened_with_duplicates_flagged(self, inspector, token, trip):
        at = datetime.now(UTC) - timedelta(minutes=20)
        scan = {"token": token, "trip_id": trip["id"]}
        scans = [
            {**scan, "nonce": nonce(), "scanned_at": instant(at), "device_id": "front"},
            {**scan, "nonce": nonce(), "scanned_at": instant(at + timedelta(minutes=5)), "device_id": "rear"},
            {"token": "NONSENSE", "trip_id": trip["id"], "nonce": nonce(), "scanned_at": instant(at)},
        ]  # fmt: skip
        seen = inspector.post("/api/check-ins/batch", {"scans": scans}).ok()
        assert [(item["result"], item["duplicate"]) for item in seen["items"]] == [
            ("recorded", False), ("recorded", True), ("refused", False),
        ]  # fmt: skip
        assert (seen["recorded"], seen["duplicates"], seen["refused"]) == (2, 1, 1)
        again = inspector.post("/api/check-ins/batch", {"scans": scans[:2]}).ok()
        assert {item["result"] for item in again["items"]} == {"replayed"}
        listed = inspector.get(f"/api/trips/{trip['id']}/check-ins").ok()["items"]
        assert sorted(row["duplicate"] for row in listed) == [False, True]
        assert all(row["offline"] for row in listed)

    def test_a_nonce_of_another_ticket_is_an_error_of_its_scan(self, passenger, inspector, token, trip):
        at = instant(datetime.now(UTC) - timedelta(minutes=20))
        other = qr_token(passenger, confirmed(passenger, trip, "A2", from_seq=0, to_seq=2)["tickets"][0])
        first = {"token": token, "trip_id": trip["id"], "nonce": nonce(), "scanned_at": at}
        inspector.post("/api/check-ins/batch", {"scans": [first]}).ok()
        scans = [first, {**first, "token": other}, {**first, "token": other, "nonce": nonce()}]
        problem = inspector.post("/api/check-ins/batch", {"scans": scans}).invalid("scans.1.nonce")
        assert [*problem["errors"]] == ["scans.1.nonce"]
        assert len(inspector.get(f"/api/trips/{trip['id']}/check-ins").ok()["items"]) == 1

    @pytest.mark.parametrize("readable_first", [True, False])
    def test_a_scan_sent_again_is_replayed_where_its_code_could_not_be_read_once(
        self, inspector, token, trip, readable_first
    ):
        at = instant(datetime.now(UTC) - timedelta(minutes=20))
        readable = {"token": token, "trip_id": trip["id"], "nonce": nonce(), "scanned_at": at}
        scans = [readable, {**readable, "token": "NONSENSE"}]
        first, again = scans if readable_first else scans[::-1]
        [before] = inspector.post("/api/check-ins/batch", {"scans": [first]}).ok()["items"]
        [item] = inspector.post("/api/check-ins/batch", {"scans": [again]}).ok()["items"]
        assert item == {**before, "result": "replayed"}

    def test_a_clock_that_is_ahead_does_not_scan_in_the_future(self, inspector, token, trip):
        ahead = instant(datetime.now(UTC) + timedelta(hours=1))
        scan = {"token": token, "trip_id": trip["id"], "nonce": nonce(), "scanned_at": ahead}
        inspector.post("/api/check-ins/batch", {"scans": [scan]}).ok()
        [listed] = inspector.get(f"/api/trips/{trip['id']}/check-ins").ok()["items"]
        assert listed["scanned_at"] == listed["recorded_at"]

    def test_an_empty_batch_is_refused(self, inspector):
        inspector.post("/api/check-ins/batch", {"scans": []}).invalid("scans")
