"""Buying seats: hold, pay, wait until they are confirmed, fetch the codes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from loadtests.people import looking, paying
from loadtests.people.answers import WrongError
from loadtests.people.shapes import BOOKING, CODE, TICKET, WAITING
from loadtests.pools import Boarding
from loadtests.pools.claims import Claim

if TYPE_CHECKING:
    from loadtests.people.looking import Ride
    from loadtests.people.passenger import Passenger

HOT: Final = 0.4
"""So many buyers want one of the hot departures."""
TRIES: Final = 3
WAITS_IN_LINE: Final = 0.3
LEFT_ALONE: Final = 0.1
_NAMES: Final = ("Asha Rao", "Ravi Gowda", "Meera Nair", "Arjun Iyer", "Kavya Shetty", "Farhan Khan")
_MOST_SEATS_OF_A_TRIP: Final = 12


@dataclass(slots=True)
class Bought:
    """A confirmed booking of this run."""

    booking_id: str
    payment_id: str
    seats: dict[str, str] = field(default_factory=dict)
    """Those that are still theirs, by ticket."""


def buy(person: Passenger) -> None:
    """From the first search to the code at the bus door."""
    began, person.thought_s = time.time(), 0.0
    since = time.perf_counter()
    offers, passengers = looking.search(person)
    booking = None
    for ride in _wanted_rides(person, offers):
        person.think(3, 8)
        booking = _hold_seats(person, ride, passengers)
        if booking is not None:
            break
    if booking is None:
        return
    if person.dice.random() < LEFT_ALONE:
        _leave_alone(person, booking)
        return
    person.think(4, 10)
    payment = paying.pay(person, booking)
    booking = paying.wait_until_confirmed(person, booking, payment["id"])
    person.cast.booked_ms.append((began, (time.perf_counter() - since - person.thought_s) * 1e3))
    paying.look_at_payment(person, payment["id"], booking["total"])
    tickets = {ticket["id"]: ticket["seat"] for ticket in booking["tickets"]}
    person.bought.append(Bought(booking["id"], payment["id"], tickets))
    person.think(1, 4)
    for ticket_id in tickets:
        _fetch_code(person, booking, ticket_id)


def _wanted_rides(person: Passenger, offers: list[Any]) -> list[Ride]:
    """The one that they came for, and what they take if it is full."""
    wants_hot, nth = person.dice.random() < HOT, person.dice.random()
    rides = [looking.ride_of(offers[int(nth * len(offers))])] if offers else []
    hot = person.cast.pools["hot_trips"]
    if wants_hot and hot:
        trip = hot[int(nth * len(hot))]
        place = trip["from_seq"], trip["to_seq"]
        rides.insert(0, looking.Ride(trip["trip_id"], trip["company_id"], *place, trip["departs_at"]))
    return rides


def _hold_seats(person: Passenger, ride: Ride, passengers: int) -> Any:
    """The booking; None if others were faster, or the site does not sell to this person for a good reason."""
    for _ in range(TRIES):
        seats = looking.look_at_seats(person, ride)
        prices = {seat["seat"]: seat["price"] for seat in seats["seats"] if seat["state"] == "free"}
        if len(prices) < passengers:
            if person.dice.random() < WAITS_IN_LINE:
                _wait_in_line(person, ride, passengers)
            return None
        person.think(3, 9)
        front = list(prices)[: passengers + 8]  # everybody likes the front
        wanted = {seat: prices[seat] for seat in person.dice.sample(front, passengers)}
        booking, others_were_faster = _hold(person, ride, wanted)
        if not others_were_faster:
            return booking
    return None


def _hold(person: Passenger, ride: Ride, wanted: dict[str, Any]) -> tuple[Any, bool]:
    body = {
        "trip_id": ride.trip_id,
        "from_seq": ride.from_seq,
        "to_seq": ride.to_seq,
        "passengers": [{"seat": seat, "name": person.dice.choice(_NAMES)} for seat in wanted],
    }
    with person.ask("POST /api/bookings", body=body, key=uuid4().hex) as answer:
        answer.expect(201, 409)
        if answer.status == 201:
            booking = answer.document(BOOKING)
            _check_hold(person, ride, wanted, booking)
            return booking, False
        person.cast.refused[answer.slug()] += 1
        if answer.slug() == "seats-taken":
            return None, True
        if answer.slug() == "trip-closed":
            left_at = datetime.fromisoformat(ride.departs_at).timestamp()
            if left_at > time.time() + 5:
                raise WrongError("trip-closed before the departure", f"{ride} {answer.text()}")
            return None, False
        if answer.slug() != "too-many-holds":
            raise WrongError(f"409 {answer.slug()} to a hold", answer.text())
    _check_hoarding(person, ride, len(wanted))
    return None, False


def _check_hold(person: Passenger, ride: Ride, wanted: dict[str, Any], booking: Any) -> None:
    tickets = booking["tickets"]
    if {ticket["seat"] for ticket in tickets} != set(wanted) or len(tickets) != len(wanted):
        raise WrongError("the booking has not the seats asked for", f"{list(wanted)} {booking}")
    if tickets[0].keys() != TICKET:
        raise WrongError("the tickets' members are not the contract's", tickets[0])
    if any(ticket["price"] != wanted[ticket["seat"]] for ticket in tickets):
        raise WrongError("a price is not the seat map's", f"{wanted} {tickets}")
    if booking["total"]["amount"] != sum(price["amount"] for price in wanted.values()):
        raise WrongError("the total is not the sum of the prices", f"{wanted} {booking}")
    if booking["status"] != "held" or booking["user_id"] != person.account["id"]:
        raise WrongError("a hold that is none, or somebody else's", booking)
    now, until = time.time(), datetime.fromisoformat(booking["expires_at"]).timestamp()
    for seat in wanted:
        claim = Claim(ride.trip_id, seat, ride.from_seq, ride.to_seq, booking["id"], until)
        if other := person.cast.claims.take(claim, now):
            raise WrongError("a seat was sold twice", f"{claim} {other}")


def _check_hoarding(person: Passenger, ride: Ride, wanted: int) -> None:
    """Too many holds, says the site: then the passenger's own list must show them."""
    with person.ask("GET /api/bookings", query="?when=upcoming&limit=100") as answer:
        answer.expect(200)
        live = [each for each in answer.items(BOOKING) if each["status"] in {"held", "confirmed"}]
        holds = sum(each["status"] == "held" for each in live)
        seats = sum(
            ticket["status"] in {"held", "confirmed"}
            for each in live
            if each["trip_id"] == ride.trip_id
            for ticket in each["tickets"]
        )
        if holds < 3 and seats + wanted <= _MOST_SEATS_OF_A_TRIP and len(live) < 100:
            raise WrongError("too-many-holds, but there are few", f"{holds} held, {seats} seats of {ride}")


def _wait_in_line(person: Passenger, ride: Ride, passengers: int) -> None:
    """The bus is full: leave a word, and take it back soon."""
    body = {"from_seq": ride.from_seq, "to_seq": ride.to_seq, "seats": passengers}
    with person.ask("POST /api/trips/{id}/waitlist", ride.trip_id, body=body) as answer:
        answer.expect(201, 409)
        if answer.status == 409:
            if answer.slug() not in {"seats-available", "already-waiting", "trip-closed"}:
                raise WrongError(f"409 {answer.slug()} to who waits", answer.text())
            return
        waiting = answer.document(WAITING)
    person.think(4, 10)
    with person.ask("DELETE /api/waitlist/{id}", waiting["id"]) as answer:
        answer.expect(204)


def _leave_alone(person: Passenger, booking: Any) -> None:
    """Second thoughts: some give the seats back, some just go."""
    passenger_id = person.account["id"]
    if person.cast.may_hold(passenger_id, time.time()) and person.dice.random() < 0.5:
        until = datetime.fromisoformat(booking["expires_at"]).timestamp()
        person.cast.held[passenger_id].append(until)
        return
    person.think(2, 6)
    person.cast.claims.give_back(booking["id"])
    with person.ask("POST /api/bookings/{id}/cancel", booking["id"], body={}, key=uuid4().hex) as answer:
        answer.expect(200)
        if answer.document(BOOKING)["status"] != "cancelled":
            raise WrongError("a hold that was given back is not cancelled", answer.text())


def _fetch_code(person: Passenger, booking: Any, ticket_id: str) -> None:
    with person.ask("GET /api/tickets/{id}/qr", ticket_id, query="?format=json") as answer:
        answer.expect(200)
        code = answer.document(CODE)
        if code["ticket_id"] != ticket_id or len(code["token"]) != 150:
            raise WrongError("the code is no code of this ticket", answer.text())
    start = booking["from"]
    ticket = Boarding(
        ticket_id=ticket_id,
        trip_id=booking["trip_id"],
        company_id=booking["company_id"],
        from_seq=start["seq"],
        token=code["token"],
    )
    person.cast.will_board(ticket, start["departs_at"])
