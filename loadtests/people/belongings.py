"""What passengers do with what is theirs: bookings, codes, a refund, the dashboard, the profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from loadtests.people.answers import WrongError
from loadtests.people.shapes import (
    BOOKING,
    OWN_DASHBOARD,
    PAYMENT,
    PROFILE,
    REFUND_OFFER,
    TRAVELLER,
    WHOLE_TICKET,
)

if TYPE_CHECKING:
    from loadtests.people.buying import Bought
    from loadtests.people.passenger import Passenger

_TRAVELLERS = ("Anil Rao", "Sita Rao", "Dev Rao")


def look_at_bookings(person: Passenger) -> None:
    """The list, one of them, and the same one again: nothing has changed."""
    with person.ask("GET /api/bookings") as answer:
        answer.expect(200)
        bookings = answer.items(BOOKING)
        if any(booking["user_id"] != person.account["id"] for booking in bookings):
            raise WrongError("somebody else's bookings", answer.text())
        known = {bought.booking_id for bought in person.bought[-1:]}
        if len(bookings) < 20 and not known <= {booking["id"] for booking in bookings}:
            raise WrongError("a booking is not on its passenger's list", f"{known} {answer.text()}")
    if not bookings:
        return
    person.think(2, 6)
    booking_id = person.dice.choice(bookings)["id"]
    with person.ask("GET /api/bookings/{id}", booking_id) as answer:
        answer.expect(200)
        booking, etag = answer.document(BOOKING), answer.etag
        if not etag:
            raise WrongError("a booking without ETag", answer.path)
    person.think(2, 5)
    with person.ask("GET /api/bookings/{id}", booking_id, etag=etag) as answer:
        answer.expect(200, 304)
        if answer.status == 200 and answer.document(BOOKING) == booking:
            raise WrongError("200 instead of 304: nothing changed", f"{etag} {answer.etag}")


def look_at_booking_pages(person: Passenger) -> None:
    with person.ask("GET /bookings") as answer:
        answer.expect(200)
        answer.is_page()
    if ids := person.account["bookings"]:
        person.think(2, 6)
        booking_id = person.dice.choice(ids)
        with person.ask("GET /bookings/{id}", booking_id) as answer:
            answer.expect(200)
            answer.is_page()


def fetch_codes(person: Passenger) -> None:
    """On the way to the bus: the ticket, and its code as a picture."""
    tickets = [*person.account["tickets"], *(each for bought in person.bought for each in bought.seats)]
    if not tickets:
        return
    ticket_id = person.dice.choice(tickets)
    with person.ask("GET /api/tickets/{id}", ticket_id) as answer:
        answer.expect(200)
        if answer.document(WHOLE_TICKET)["status"] != "confirmed":
            raise WrongError("a good ticket is no longer confirmed", answer.text())
    person.think(1, 3)
    kind, magic = person.dice.choice((("png", b"\x89PNG"), ("svg", b"<")))
    with person.ask("GET /api/tickets/{id}/qr", ticket_id, query=f"?format={kind}") as answer:
        answer.expect(200)
        if not answer.body.startswith(magic):
            raise WrongError(f"the picture is no {kind}", answer.kind)


def cancel(person: Passenger) -> None:
    """Ask what comes back, then give back a booking of this run, or one seat of it."""
    if not person.bought:
        look_at_bookings(person)
        return
    bought = person.bought[int(person.dice.random() * len(person.bought))]
    tickets = list(bought.seats)
    some = tickets[:1] if len(tickets) > 1 and person.dice.random() < 0.5 else tickets
    offer = _ask_for_offer(person, bought, some)
    if offer is None:
        return
    person.think(3, 8)
    if person.dice.random() < 0.2:
        return  # keeps it
    person.cast.claims.give_back(bought.booking_id, [bought.seats[each] for each in some])
    body = {"ticket_ids": some, "offer_id": offer["id"]}
    route = "POST /api/bookings/{id}/cancel"
    with person.ask(route, bought.booking_id, body=body, key=uuid4().hex) as answer:
        answer.expect(200, 409)
        if answer.status == 409:
            _check_not_cancellable(answer.slug(), answer.text())
        else:
            _check_cancelled(answer.document(BOOKING), offer, some)
    for each in some:
        del bought.seats[each]
    if not bought.seats:
        person.bought.remove(bought)
    person.think(2, 5)
    with person.ask("GET /api/payments/{id}", bought.payment_id) as answer:
        answer.expect(200)
        answer.document(PAYMENT)


def _ask_for_offer(person: Passenger, bought: Bought, some: list[str]) -> Any:
    route = "POST /api/bookings/{id}/refund-offer"
    with person.ask(route, bought.booking_id, body={"ticket_ids": some}) as answer:
        answer.expect(201, 409)
        if answer.status == 409:
            _check_not_cancellable(answer.slug(), answer.text())
            return None
        offer = answer.document(REFUND_OFFER)
        if set(offer["ticket_ids"]) != set(some):
            raise WrongError("the offer is for other tickets", f"{some} {offer}")
    return offer


def _check_not_cancellable(slug: str, text: str) -> None:
    """An inspector of this run may have scanned it."""
    if slug != "not-cancellable" or '"reason":"checked-in"' not in text.replace(" ", ""):
        raise WrongError(f"409 {slug} to a cancellation", text)


def _check_cancelled(booking: Any, offer: Any, some: list[str]) -> None:
    tickets = {ticket["id"]: ticket for ticket in booking["tickets"]}
    if any(tickets[each]["status"] != "cancelled" for each in some):
        raise WrongError("a cancelled ticket is not cancelled", booking)
    if sum(tickets[each]["refund_due"]["amount"] for each in some) < offer["amount"]["amount"]:
        raise WrongError("less comes back than was offered", f"{offer} {booking}")


def look_at_dashboard(person: Passenger) -> None:
    with person.ask("GET /api/users/me/dashboard") as answer:
        answer.expect(200)
        answer.document(OWN_DASHBOARD)
    person.think(2, 6)
    with person.ask("GET /api/payments") as answer:
        answer.expect(200)
        answer.items(PAYMENT)


def see_to_profile(person: Passenger) -> None:
    """The name, and whom one travels with: one is added and removed again."""
    with person.ask("GET /api/users/me") as answer:
        answer.expect(200)
        if answer.document(PROFILE)["id"] != person.account["id"]:
            raise WrongError("somebody else's profile", answer.text())
    with person.ask("GET /api/users/me/travellers") as answer:
        answer.expect(200)
        answer.items(TRAVELLER)
    person.think(3, 8)
    body = {"name": person.dice.choice(_TRAVELLERS), "age": person.dice.randint(1, 80)}
    with person.ask("POST /api/users/me/travellers", body=body) as answer:
        answer.expect(201)
        traveller = answer.document(TRAVELLER)
        if traveller["name"] != body["name"] or traveller["age"] != body["age"]:
            raise WrongError("another traveller than was added", answer.text())
    person.think(3, 8)
    with person.ask("DELETE /api/users/me/travellers/{id}", traveller["id"]) as answer:
        answer.expect(204)


def log_in_anew(person: Passenger) -> None:
    if person.log_in():
        look_at_bookings(person)
