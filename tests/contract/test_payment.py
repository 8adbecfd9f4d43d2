"""Payments, webhooks, refunds and the ledger."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.client import Client, new_key
from tests.contract.world import CARD_OK, booking_becomes, confirmed, eventually, hold, pay, rupees


def card(number):
    return {**CARD_OK, "number": number}


def payment_becomes(passenger, payment, status):
    path = f"/api/payments/{payment['id']}"
    return eventually(lambda: passenger.get(path).ok(), lambda seen: seen["status"] == status, status)


class TestPaying:
    def test_a_good_card_confirms_the_booking(self, passenger, company):
        booking = hold(passenger, company.trip(leg_fare=100))
        payment = passenger.post("/api/payments", {"booking_id": booking["id"]}).ok(201)
        assert payment["status"] == "requires_method"
        assert payment["amount"] == booking["total"]
        assert payment["checkout_url"].endswith(f"/checkout/{payment['id']}")
        processing = passenger.post(f"/api/payments/{payment['id']}/confirm", {"card": CARD_OK}).ok()
        assert processing["status"] in {"processing", "succeeded"}
        paid = payment_becomes(passenger, payment, "succeeded")
        assert paid["method"] == {"brand": "visa", "last4": "4242"}
        assert booking_becomes(passenger, booking, "confirmed")["payment_id"] == payment["id"]

    @pytest.mark.parametrize(
        ("number", "code"),
        [("4000000000000002", "card_declined"), ("4000000000009995", "insufficient_funds")],
    )
    def test_a_declined_card_leaves_the_hold_to_try_again(self, passenger, company, number, code):
        booking = hold(passenger, company.trip())
        failed = payment_becomes(passenger, pay(passenger, booking, card(number)), "failed")
        assert failed["failure"]["code"] == code
        assert passenger.get(f"/api/bookings/{booking['id']}").ok()["status"] == "held"
        pay(passenger, booking)
        booking_becomes(passenger, booking, "confirmed")

    @pytest.mark.parametrize(("code", "status"), [("123456", "succeeded"), ("000000", "failed")])
    def test_a_challenge_is_passed_or_failed(self, passenger, company, code, status):
        booking = hold(passenger, company.trip())
        payment = pay(passenger, booking, card("4000000000003220"))
        assert payment["next_action"]["type"] == "challenge"
        passenger.post(f"/api/payments/{payment['id']}/confirm", {"challenge_code": code}).ok()
        payment_becomes(passenger, payment, status)

    def test_a_slow_webhook_arrives_in_the_end(self, passenger, company):
        booking = hold(passenger, company.trip())
        assert pay(passenger, booking, card("4000000000000077"))["status"] == "processing"
        booking_becomes(passenger, booking, "confirmed")

    def test_a_webhook_delivered_three_times_counts_once(self, world, passenger, company):
        booking = hold(passenger, company.trip())
        payment = pay(passenger, booking, card("4000000000000259"))
        booking_becomes(passenger, booking, "confirmed")
        entries = world.admin.get("/api/ledger", params={"payment_id": payment["id"]}).ok()["items"]
        assert len(entries) == 1

    def test_there_is_one_open_payment_for_a_booking(self, passenger, company):
        booking = hold(passenger, company.trip())
        first = passenger.post("/api/payments", {"booking_id": booking["id"]}).ok(201)
        second = passenger.post("/api/payments", {"booking_id": booking["id"]}).ok(200)
        assert second["id"] == first["id"]
        listed = passenger.get("/api/payments", params={"booking_id": booking["id"]}).ok()["items"]
        assert [payment["id"] for payment in listed] == [first["id"]]

    def test_what_is_paid_or_cancelled_cannot_be_paid(self, passenger, company):
        paid = confirmed(passenger, company.trip())
        assert (
            passenger.post("/api/payments", {"booking_id": paid["id"]}).refused(409, "not-payable")["reason"]
            == "paid"
        )
        cancelled = hold(passenger, company.trip())
        passenger.post(f"/api/bookings/{cancelled['id']}/cancel").ok()
        problem = passenger.post("/api/payments", {"booking_id": cancelled["id"]}).refused(409, "not-payable")
        assert problem["reason"] == "cancelled"

    def test_a_payment_can_be_called_off_before_a_card_is_given(self, passenger, company):
        booking = hold(passenger, company.trip())
        payment = passenger.post("/api/payments", {"booking_id": booking["id"]}).ok(201)
        assert passenger.post(f"/api/payments/{payment['id']}/cancel").ok()["status"] == "cancelled"
        passenger.post(f"/api/payments/{payment['id']}/confirm", {"card": CARD_OK}).refused(
            409, "not-confirmable"
        )
        passenger.post("/api/payments", {"booking_id": booking["id"]}).ok(201)

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"number": "4242424242424241"}, "card.number"),
            ({"number": "abc"}, "card.number"),
            ({"exp_month": 13}, "card.exp_month"),
            ({"exp_year": 2001}, "card.exp_month"),
            ({"cvc": "1"}, "card.cvc"),
        ],
    )
    def test_a_card_that_cannot_be_is_named_and_nothing_of_it_comes_back(
        self, passenger, company, change, field
    ):
        payment = passenger.post("/api/payments", {"booking_id": hold(passenger, company.trip())["id"]}).ok(
            201
        )
        answer = passenger.post(f"/api/payments/{payment['id']}/confirm", {"card": {**CARD_OK, **change}})
        answer.invalid(field)
        assert "424242424242" not in answer.text

    def test_a_payment_is_nobody_elses_business(self, passenger, stranger, company, other_company):
        booking = hold(passenger, company.trip())
        payment = passenger.post("/api/payments", {"booking_id": booking["id"]}).ok(201)
        path = f"/api/payments/{payment['id']}"
        stranger.get(path).refused(404)
        other_company.operator.get(path).refused(404)
        stranger.post(f"{path}/confirm", {"card": CARD_OK}).refused(404)
        stranger.post("/api/payments", {"booking_id": booking["id"]}).refused(404)
        assert company.operator.get(path).ok()["id"] == payment["id"]


class TestWebhooks:
    def post(self, client, event, secret, at=None, header=None):
        body = json.dumps(event).encode()
        at = int(time.time()) if at is None else at
        signature = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Banyan-Signature": header or f"t={at},v1={signature}"}
        return client.post("/api/payments/webhooks/sandbox", data=body, headers=headers)

    def event(self):
        data = {"payment_id": str(uuid4()), "provider_ref": "none", "amount": 1, "currency": "INR"}
        return {
            "id": f"evt_{uuid4().hex}",
            "type": "payment.succeeded",
            "created": int(time.time()),
            "data": data,
        }

    def test_a_signed_event_is_taken_as_often_as_it_comes(self, anyone, webhook_secret):
        event = self.event()
        for _ in range(2):
            self.post(anyone, event, webhook_secret).ok(202)

    def test_several_signatures_are_looked_at(self, anyone, webhook_secret):
        event, at = self.event(), int(time.time())
        body = json.dumps(event).encode()
        good = hmac.new(webhook_secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        self.post(anyone, event, "", header=f"t={at},v1={'0' * 64},v1={good}").ok(202)

    def test_a_wrong_and_a_stale_signature_are_refused(self, anyone, webhook_secret):
        self.post(anyone, self.event(), "wrong secret").refused(400, "bad-signature")
        stale = int(time.time()) - 301
        self.post(anyone, self.event(), webhook_secret, at=stale).refused(400, "stale-signature")
        self.post(anyone, self.event(), "", header="nonsense").refused(400, "bad-signature")

    def test_an_unknown_provider_is_not_found(self, anyone):
        anyone.post("/api/payments/webhooks/nobody", {}).refused(404)


class TestRefunds:
    def test_an_operator_gives_money_back_up_to_what_was_paid(self, passenger, company):
        booking = confirmed(passenger, company.trip(leg_fare=100))
        path = f"/api/payments/{booking['payment_id']}/refunds"
        company.operator.post(path, {"amount": rupees(200), "reason": "Air conditioning failed"}).ok(201)
        problem = company.operator.post(path, {"amount": rupees(101), "reason": "More"}).refused(
            409, "refund-exceeds-payment"
        )
        assert problem["available"] == rupees(100)
        rest = company.operator.post(path, {"reason": "The rest"}).ok(201)
        assert rest["amount"] == rupees(100)
        payment = eventually(
            lambda: passenger.get(f"/api/payments/{booking['payment_id']}").ok(),
            lambda seen: {refund["status"] for refund in seen["refunds"]} == {"succeeded"},
            "both refunds",
        )
        assert payment["refunded"] == booking["total"]

    def test_many_at_once_never_pass_what_was_captured(self, passenger, company):
        booking = confirmed(passenger, company.trip(leg_fare=100))

        def refund(_) -> int:
            operator = Client(company.operator.base_url, company.operator.token)
            body = {"amount": rupees(100), "reason": "Sorry"}
            return operator.post(f"/api/payments/{booking['payment_id']}/refunds", body).status

        with ThreadPoolExecutor(8) as clerks:
            statuses = sorted(clerks.map(refund, range(8)))
        assert statuses == [201] * 3 + [409] * 5

    def test_a_passenger_cannot_and_an_unpaid_payment_cannot_be(self, passenger, company, other_company):
        booking = confirmed(passenger, company.trip())
        path = f"/api/payments/{booking['payment_id']}/refunds"
        passenger.post(path, {"reason": "Please"}).refused(403, "wrong-role")
        other_company.operator.post(path, {"reason": "Mine"}).refused(404)
        unpaid = passenger.post("/api/payments", {"booking_id": hold(passenger, company.trip())["id"]}).ok(
            201
        )
        company.operator.post(f"/api/payments/{unpaid['id']}/refunds", {"reason": "?"}).refused(
            409, "not-refundable"
        )

    def test_a_refund_that_fails_says_so(self, passenger, company):
        booking = hold(passenger, company.trip())
        pay(passenger, booking, card("4000000000000341"))
        booking = booking_becomes(passenger, booking, "confirmed")
        company.operator.post(f"/api/payments/{booking['payment_id']}/refunds", {"reason": "Sorry"}).ok(201)
        payment = eventually(
            lambda: passenger.get(f"/api/payments/{booking['payment_id']}").ok(),
            lambda seen: seen["refunds"][0]["status"] == "failed",
            "the failure",
        )
        assert payment["refunded"] == rupees(0)


class TestLedger:
    def test_it_always_balances_and_a_full_refund_brings_the_company_to_zero(self, world, passenger):
        company = world.company()
        booking = confirmed(passenger, company.trip(leg_fare=100))

        def balance() -> Any:
            seen = world.admin.get("/api/ledger", params={"account": f"company:{company.id}"}).ok()
            assert all(money["amount"] == 0 for money in seen["trial_balance"])
            return next(
                each["balance"] for each in seen["accounts"] if each["account"] == f"company:{company.id}"
            )

        owed = balance()
        assert abs(owed["amount"] if isinstance(owed, dict) else owed) == booking["total"]["amount"]
        company.operator.post(
            f"/api/payments/{booking['payment_id']}/refunds", {"reason": "All"}, headers=new_key()
        ).ok(201)
        eventually(
            balance, lambda money: (money["amount"] if isinstance(money, dict) else money) == 0, "zero"
        )

    def test_it_is_for_admins(self, passenger, company):
        passenger.get("/api/ledger").refused(403, "wrong-role")
        company.operator.get("/api/ledger").refused(403, "wrong-role")
