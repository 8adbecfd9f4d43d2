"""The same key and body is the same work, done once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.client import Client, new_key
from tests.contract.world import CARD_OK, confirmed, hold, in_hours, qr_token, try_hold


class TestBookings:
    def test_a_repeated_order_is_answered_with_the_first_booking(self, passenger, company):
        trip, key = company.trip(), new_key()
        first = try_hold(passenger, trip, "A1", headers=key)
        again = try_hold(passenger, trip, "A1", headers=key)
        assert again.ok(201) == first.ok(201)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["Location"] == first.headers["Location"]
        assert len(passenger.get("/api/bookings").ok()["items"]) == 1

    def test_the_same_key_with_another_body_is_refused(self, passenger, company):
        trip, key = company.trip(), new_key()
        try_hold(passenger, trip, "A1", headers=key).ok(201)
        try_hold(passenger, trip, "A2", headers=key).refused(422, "idempotency-key-reused")

    def test_keys_belong_to_a_person(self, passenger, stranger, company):
        trip, key = company.trip(), new_key()
        try_hold(passenger, trip, "A1", headers=key).ok(201)
        assert try_hold(stranger, trip, "A2", headers=key).ok(201)["user_id"] == stranger.user["id"]

    def test_keys_belong_to_a_domain(self, passenger, company):
        key = new_key()
        booking = try_hold(passenger, company.trip(), "A1", headers=key).ok(201)
        wanted = {"booking_id": booking["id"]}
        payment = passenger.post("/api/payments", wanted, headers=key).ok(201)
        again = passenger.post("/api/payments", wanted, headers=key)
        assert again.ok(201)["id"] == payment["id"]
        assert again.headers["Idempotency-Replayed"] == "true"
        cancel = f"/api/bookings/{booking['id']}/cancel"
        passenger.post(cancel, headers=key).refused(422, "idempotency-key-reused")

    def test_a_conflict_is_not_remembered(self, passenger, stranger, company):
        trip, key = company.trip(), new_key()
        taken = hold(stranger, trip, "A1")
        try_hold(passenger, trip, "A1", headers=key).refused(409, "seats-taken")
        stranger.post(f"/api/bookings/{taken['id']}/cancel").ok()
        try_hold(passenger, trip, "A1", headers=key).ok(201)

    def test_many_at_once_with_one_key_make_one_booking(self, passenger, company):
        trip, key = company.trip(), new_key()

        def order(_) -> Any:
            return try_hold(Client(passenger.base_url, passenger.token), trip, "A1", headers=key)

        with ThreadPoolExecutor(8) as eager:
            answers = list(eager.map(order, range(8)))
        assert {answer.status for answer in answers} <= {201, 409}
        for answer in answers:
            if answer.status == 409:
                answer.refused(409, "request-in-progress")
                assert answer.headers["Retry-After"]
        assert len({answer.json["id"] for answer in answers if answer.status == 201}) == 1
        assert len(passenger.get("/api/bookings").ok()["items"]) == 1

    @pytest.mark.parametrize("key", ["x" * 256, "has space", ""])
    def test_a_key_that_is_none_is_refused(self, passenger, company, key):
        answer = try_hold(passenger, company.trip(), headers={"Idempotency-Key": key})
        if key:
            answer.refused(422)


class TestOthers:
    def test_a_payment_is_made_and_confirmed_once(self, passenger, company):
        booking = hold(passenger, company.trip())
        key = new_key()
        first = passenger.post("/api/payments", {"booking_id": booking["id"]}, headers=key).ok(201)
        assert (
            passenger.post("/api/payments", {"booking_id": booking["id"]}, headers=key).ok(201)["id"]
            == first["id"]
        )
        key, path = new_key(), f"/api/payments/{first['id']}/confirm"
        one = passenger.post(path, {"card": CARD_OK}, headers=key).ok()
        two = passenger.post(path, {"card": CARD_OK}, headers=key)
        assert two.ok()["id"] == one["id"]
        assert two.headers["Idempotency-Replayed"] == "true"

    def test_a_cancellation_repeated_is_no_error(self, passenger, company):
        booking = hold(passenger, company.trip())
        key, path = new_key(), f"/api/bookings/{booking['id']}/cancel"
        first = passenger.post(path, {}, headers=key).ok()
        assert passenger.post(path, {}, headers=key).ok() == first

    def test_a_refund_is_given_once(self, passenger, company):
        booking = confirmed(passenger, company.trip())
        key, path = new_key(), f"/api/payments/{booking['payment_id']}/refunds"
        body = {"amount": {"amount": 1000, "currency": "INR"}, "reason": "Sorry"}
        first = company.operator.post(path, body, headers=key).ok(201)
        assert company.operator.post(path, body, headers=key).ok(201)["id"] == first["id"]
        assert len(passenger.get(f"/api/payments/{booking['payment_id']}").ok()["refunds"]) == 1

    def test_a_check_in_is_made_once(self, passenger, company, inspector):
        trip = company.trip(departs_at=in_hours(2))
        token = qr_token(passenger, confirmed(passenger, trip)["tickets"][0])
        body = {"token": token, "trip_id": trip["id"], "nonce": "nonce-0123456789"}
        key = new_key()
        first = inspector.post("/api/check-ins", body, headers=key).ok(201)
        again = inspector.post("/api/check-ins", body, headers=key)
        assert again.ok(201) == first
        assert again.headers["Idempotency-Replayed"] == "true"
