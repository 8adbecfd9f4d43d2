"""Paying: a card, now and then a challenge or a refusal, and the wait for the webhook's effect."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import gevent

from loadtests.people.answers import WrongError
from loadtests.people.shapes import BOOKING, PAYMENT

if TYPE_CHECKING:
    from loadtests.people.passenger import Passenger

GOOD, TRIPLE, CHALLENGE, DECLINED = (
    "4242424242424242",
    "4000000000000259",
    "4000000000003220",
    "4000000000000002",
)
CARDS: Final = {GOOD: 88, TRIPLE: 4, CHALLENGE: 4, DECLINED: 4}
CHALLENGE_CODE: Final = "123456"
CONFIRMED_WITHIN_S: Final = 30.0
_FIRST_POLL_S: Final = 0.1
_LAST_POLL_S: Final = 1.0
_POLLS_GROW: Final = 1.5


def pay(person: Passenger, booking: Any) -> Any:
    """The payment, on its way; a card that is declined is followed by a good one."""
    card = person.dice.choices(list(CARDS), list(CARDS.values()))[0]
    payment = _open_payment(person, booking)
    person.think(5, 12)  # types the number
    payment = _confirm(person, payment, {"card": _card(card)}, is_challenged=card == CHALLENGE)
    if card == CHALLENGE:
        person.think(4, 9)
        return _confirm(person, payment, {"challenge_code": CHALLENGE_CODE})
    if card == DECLINED:
        _wait_until_declined(person, payment["id"])
        person.think(3, 8)
        payment = _open_payment(person, booking)
        return _confirm(person, payment, {"card": _card(GOOD)})
    return payment


def _card(number: str) -> dict[str, Any]:
    return {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}


def _open_payment(person: Passenger, booking: Any) -> Any:
    with person.ask("POST /api/payments", body={"booking_id": booking["id"]}, key=uuid4().hex) as answer:
        answer.expect(201)
        payment = answer.document(PAYMENT)
        if payment["amount"] != booking["total"] or payment["booking_id"] != booking["id"]:
            raise WrongError("the payment is not for the booking", f"{payment} {booking}")
        if payment["status"] != "requires_method":
            raise WrongError(f"a new payment is {payment['status']}", payment)
    return payment


def _confirm(person: Passenger, payment: Any, body: dict[str, Any], *, is_challenged: bool = False) -> Any:
    route = "POST /api/payments/{id}/confirm"
    with person.ask(route, payment["id"], body=body, key=uuid4().hex) as answer:
        answer.expect(200)
        confirmed = answer.document(PAYMENT)
        if confirmed["id"] != payment["id"] or confirmed["amount"] != payment["amount"]:
            raise WrongError("another payment was confirmed", answer.text())
        if is_challenged != (confirmed["next_action"] is not None):
            raise WrongError("a challenge where there is none, or none for a card that has one", confirmed)
    return confirmed


def _wait_until_declined(person: Passenger, payment_id: str) -> None:
    deadline, pause_s = time.monotonic() + CONFIRMED_WITHIN_S, _FIRST_POLL_S
    while True:
        gevent.sleep(pause_s)
        pause_s = min(pause_s * _POLLS_GROW, _LAST_POLL_S)
        with person.ask("GET /api/payments/{id}", payment_id) as answer:
            answer.expect(200)
            payment = answer.document(PAYMENT)
            if payment["status"] == "failed":
                if payment["failure"]["code"] != "card_declined":
                    raise WrongError("declined for another reason", payment)
                return
            if payment["status"] == "succeeded" or time.monotonic() > deadline:
                raise WrongError(f"a declined payment is {payment['status']}", payment)


def wait_until_confirmed(person: Passenger, booking: Any, payment_id: str) -> Any:
    """Poll as an app does, with the ETag of the last answer."""
    deadline, pause_s, etag = time.monotonic() + CONFIRMED_WITHIN_S, _FIRST_POLL_S, ""
    while True:
        gevent.sleep(pause_s)
        pause_s = min(pause_s * _POLLS_GROW, _LAST_POLL_S)
        with person.ask("GET /api/bookings/{id}", booking["id"], etag=etag) as answer:
            answer.expect(200, 304)
            if time.monotonic() > deadline:
                raise WrongError(f"not confirmed within {CONFIRMED_WITHIN_S:.0f} s", booking["id"])
            if answer.status == 304:
                if not etag:
                    raise WrongError("304 to whom has nothing")
                continue
            if answer.etag == etag:
                raise WrongError("200 instead of 304, with the same ETag", answer.etag)
            etag = answer.etag
            now = answer.document(BOOKING)
            if now["status"] == "confirmed":
                _check_confirmed(booking, now, payment_id)
                person.cast.claims.sell(booking["id"])
                return now
            if now["status"] != "held":
                raise WrongError(f"paid for, and {now['status']}", now)


def _check_confirmed(held: Any, confirmed: Any, payment_id: str) -> None:
    seats = {ticket["seat"] for ticket in held["tickets"]}
    if {t["seat"] for t in confirmed["tickets"] if t["status"] == "confirmed"} != seats:
        raise WrongError("the confirmed booking has not the seats that were held", confirmed)
    if confirmed["total"] != held["total"] or confirmed["payment_id"] != payment_id:
        raise WrongError("the confirmed booking has another total or payment", confirmed)


def look_at_payment(person: Passenger, payment_id: str, total: Any) -> None:
    with person.ask("GET /api/payments/{id}", payment_id) as answer:
        answer.expect(200)
        payment = answer.document(PAYMENT)
        if payment["status"] != "succeeded" or payment["amount"] != total:
            raise WrongError(f"the booking is confirmed, its payment is {payment['status']}", payment)
