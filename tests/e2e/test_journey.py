"""A whole journey through :8080, as the passenger, the inspector and the bookkeeper see it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.contract.world import (
    CARD_OK,
    PASSWORD,
    World,
    booking_becomes,
    confirmed,
    eventually,
    in_hours,
    rupees,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def world(site) -> World:
    return World(site.gateway_url, site.admin_email, site.admin_password)


def test_from_registration_to_a_ledger_of_zero(world):
    company = world.company(refund_policy={"steps": [{"hours_before": 1, "percent": 100}]})
    inspector = world.staff(company.operator, company.id, "inspector")
    trip = company.trip(leg_fare=150, departs_at=in_hours(3))

    # register
    passenger = world.passenger("Meera Nair")

    # search
    first, last = trip["stops"][0], trip["stops"][2]
    params = {"from": first["stop_id"], "to": last["stop_id"], "date": trip["service_date"], "passengers": 2}
    offer = passenger.get("/api/search", params=params).ok()["items"][0]
    assert offer["trip_id"] == trip["id"]
    assert offer["price_from"] == rupees(300)

    # seats
    stretch = {"from": offer["from"]["seq"], "to": offer["to"]["seq"]}
    seats = passenger.get(f"/api/trips/{trip['id']}/seats", params=stretch).ok()
    chosen = [seat["seat"] for seat in seats["seats"] if seat["state"] == "free"][:2]

    # hold
    body = {
        "trip_id": trip["id"],
        "from_seq": stretch["from"],
        "to_seq": stretch["to"],
        "passengers": [
            {"seat": chosen[0], "name": "Meera Nair", "age": 34, "gender": "female"},
            {"seat": chosen[1], "name": "तारा नायर", "age": 6, "gender": "female"},
        ],
    }
    booking = passenger.post("/api/bookings", body, headers={"Idempotency-Key": str(uuid4())}).ok(201)
    assert booking["total"] == rupees(600)

    # pay; the provider's webhook confirms
    payment = passenger.post("/api/payments", {"booking_id": booking["id"]}).ok(201)
    passenger.post(f"/api/payments/{payment['id']}/confirm", {"card": CARD_OK}).ok()
    booking = booking_becomes(passenger, booking, "confirmed")

    # QR, verify, check in, and no second time
    ticket, other_ticket = booking["tickets"]
    token = passenger.get(f"/api/tickets/{ticket['id']}/qr").ok()["token"]
    verdict = inspector.post("/api/qr/verify", {"token": token, "trip_id": trip["id"], "stop_seq": 0}).ok()
    assert (verdict["valid"], verdict["passenger_name"]) == (True, "Meera Nair")
    scan = {"token": token, "trip_id": trip["id"], "nonce": uuid4().hex}
    inspector.post("/api/check-ins", scan).ok(201)
    refused = inspector.post("/api/check-ins", {**scan, "nonce": uuid4().hex}).refused(
        409, "check-in-refused"
    )
    assert refused["reason"] == "already_used"
    manifest = inspector.get(f"/api/trips/{trip['id']}/manifest").ok()
    assert manifest["counts"] == {"confirmed": 2, "checked_in": 1}

    # the other seat is given back and paid back
    cancel = {"ticket_ids": [other_ticket["id"]]}
    after = passenger.post(f"/api/bookings/{booking['id']}/cancel", cancel).ok()
    assert after["refund_due"] == rupees(300)
    refunded_becomes(passenger, payment, rupees(300))

    # the operator gives the rest back out of goodwill: nothing is owed to anybody
    company.operator.post(f"/api/payments/{payment['id']}/refunds", {"reason": "The bus was cold"}).ok(201)
    refunded_becomes(passenger, payment, rupees(600))
    ledger = world.admin.get("/api/ledger", params={"account": f"company:{company.id}"}).ok()
    assert [money["amount"] for money in ledger["trial_balance"]] == [0]
    entries = ledger["items"]
    assert len(entries) == 3
    paid_in = sum(
        entry["amount"]["amount"] for entry in entries if entry["credit"] == f"company:{company.id}"
    )
    paid_out = sum(
        entry["amount"]["amount"] for entry in entries if entry["debit"] == f"company:{company.id}"
    )
    assert paid_in == paid_out == 60_000


def refunded_becomes(passenger, payment, money):
    path = f"/api/payments/{payment['id']}"
    eventually(
        lambda: passenger.get(path).ok()["refunded"], lambda refunded: refunded == money, f"{money} back"
    )


def test_a_forgotten_password_is_reset_by_the_link_in_the_mail(world, site):
    passenger = world.passenger()
    world.anyone().post("/api/auth/password-reset", {"email": passenger.email}).ok(202)

    def mails() -> list[str]:
        return [text for path in site.mail_dir.glob("*.eml") if passenger.email in (text := plain(path))]

    mail = eventually(mails, bool, "the mail")[0]
    token = mail.split("/password-reset/confirm?token=", 1)[1].split()[0].strip(">.")
    reset = {"token": token, "new_password": "something new and long"}
    assert world.anyone().post("/api/auth/password-reset/confirm", reset).status == 204
    world.anyone().post("/api/auth/password-reset/confirm", reset).invalid("token")
    credentials = {"email": passenger.email, "password": PASSWORD}
    world.anyone().post("/api/auth/login", credentials).refused(401, "bad-credentials")
    world.login(passenger.email, "something new and long")


def plain(path):
    """A mail's text, whatever its transfer encoding."""
    import email
    import email.policy

    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain",))
    return f"{message['To']}\n{body.get_content() if body else ''}"


def test_a_confirmation_is_mailed(world, site):
    passenger = world.passenger()
    booking = confirmed(passenger, world.company().trip())

    def mentions() -> list[Path]:
        return [path for path in site.mail_dir.glob("*.eml") if booking["reference"] in plain(path)]

    eventually(mentions, bool, "the confirmation")
