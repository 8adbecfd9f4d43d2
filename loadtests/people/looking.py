"""Looking for a bus: home, a search there and one back, the seat map of an offer; by the API or by pages."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from loadtests.people.answers import WrongError
from loadtests.people.shapes import OFFER, PLACE, SEAT, SEAT_MAP

if TYPE_CHECKING:
    from loadtests.people.passenger import Passenger
    from loadtests.pools import Stretch

_TYPED = ("b", "be", "che", "hyd", "mum", "pune", "goa", "kochi", "mysor")
_SORTS = ("departure", "departure", "departure", "price", "duration")


class Ride(NamedTuple):
    """A departure on a stretch."""

    trip_id: str
    company_id: str
    from_seq: int
    to_seq: int
    departs_at: str

    @property
    def query(self) -> str:
        return f"?from={self.from_seq}&to={self.to_seq}"


def look_for_a_bus(person: Passenger) -> None:
    """And nothing more: most people do."""
    offers, _ = search(person)
    if not offers:
        return
    person.think(3, 9)
    look_at_seats(person, ride_of(person.dice.choice(offers)))
    if person.dice.random() < 0.3:  # compares two
        person.think(3, 9)
        look_at_seats(person, ride_of(person.dice.choice(offers)))


def search(person: Passenger) -> tuple[list[Any], int]:
    """Places, the way there, half of the time the way back; answers the offers for the way there."""
    dice = person.dice
    stretch = wanted_stretch(person)
    passengers = dice.choices((1, 2, 3, 4), (60, 28, 8, 4))[0]
    with person.ask("GET /api/places", signed_in=False) as answer:
        answer.expect(200)
        if not answer.items(PLACE):
            raise WrongError("no busiest places", answer.text())
    if dice.random() < 0.5:
        person.think(0.5, 2)
        with person.ask("GET /api/places", query=f"?q={dice.choice(_TYPED)}", signed_in=False) as answer:
            answer.expect(200)
            answer.items(PLACE)
    person.think(2, 6)
    offers = find_offers(person, stretch, passengers, dice.choice(_SORTS))
    if dice.random() < 0.5:
        person.think(3, 8)
        later = date.fromisoformat(stretch["date"]) + timedelta(days=dice.randint(1, 3))
        back: Stretch = {"from": stretch["to"], "to": stretch["from"], "date": later.isoformat()}
        find_offers(person, back, passengers, "departure")
    return offers, passengers


def wanted_stretch(person: Passenger) -> Stretch:
    """Few stretches are wanted by many."""
    stretches = person.cast.pools["routes"]
    return stretches[int(len(stretches) * person.dice.random() ** 2)]


def find_offers(person: Passenger, stretch: Stretch, passengers: int, sort: str) -> list[Any]:
    query = f"?from={stretch['from']}&to={stretch['to']}&date={stretch['date']}"
    query += f"&passengers={passengers}&sort={sort}"
    with person.ask("GET /api/search", query=query, signed_in=False) as answer:
        answer.expect(200)
        offers = answer.items(OFFER)
        if any(offer["seats_left"] < passengers for offer in offers):
            raise WrongError("an offer has fewer seats than asked for", answer.text())
        order = [_sorted_by(offer, sort) for offer in offers]
        if order != sorted(order):
            raise WrongError(f"the offers are not sorted by {sort}", answer.text())
    return offers


def _sorted_by(offer: Any, sort: str) -> Any:
    if sort == "price":
        return offer["price_from"]["amount"]
    return offer["duration_s"] if sort == "duration" else offer["from"]["departs_at"]


def ride_of(offer: Any) -> Ride:
    start = offer["from"]
    return Ride(offer["trip_id"], offer["company_id"], start["seq"], offer["to"]["seq"], start["departs_at"])


def look_at_seats(person: Passenger, ride: Ride) -> Any:
    """The seat map, which agrees with itself."""
    route = "GET /api/trips/{id}/seats"
    with person.ask(route, ride.trip_id, query=ride.query, signed_in=False) as answer:
        answer.expect(200)
        seats = answer.document(SEAT_MAP)
        if (seats["trip_id"], seats["from"], seats["to"]) != (ride.trip_id, ride.from_seq, ride.to_seq):
            raise WrongError("the seat map is of another stretch", f"{answer.path} {answer.text()}")
        if seats["seats"][0].keys() != SEAT:
            raise WrongError("the seats' members are not the contract's", answer.text())
        if seats["seats_left"] != sum(seat["state"] == "free" for seat in seats["seats"]):
            raise WrongError("seats_left is not the number of free seats", answer.text())
    return seats


def watch_seats(person: Passenger) -> None:
    """Somebody who cannot decide looks at the map of a hot departure again and again."""
    hot = person.dice.choice(person.cast.pools["hot_trips"])
    query = f"?from={hot['from_seq']}&to={hot['to_seq']}"
    etag = ""
    for _ in range(person.dice.randint(2, 5)):
        with person.ask(
            "GET /api/trips/{id}/seats", hot["trip_id"], query=query, etag=etag, signed_in=False
        ) as answer:
            answer.expect(200, 304)
            if answer.status == 304 and not etag:
                raise WrongError("304 to whom has nothing")
            if answer.status == 200 and answer.etag == etag:
                raise WrongError("200 instead of 304, with the same ETag", answer.etag)
            if not answer.etag:
                raise WrongError("a seat map without ETag", answer.path)
            etag = answer.etag
        person.think(2, 5)


def look_on_pages(person: Passenger) -> None:
    """The same by a browser: home, search, seat map."""
    with person.ask("GET /") as answer:
        answer.expect(200)
        answer.is_page(b'action="/search"')
    stretch = wanted_stretch(person)
    person.think(3, 8)
    where = f"from={stretch['from']}&to={stretch['to']}&date={stretch['date']}&passengers=1"
    with person.ask("GET /search", query=f"?{where}") as answer:
        answer.expect(200)
        answer.is_page()
    wanted = person.dice.choice(person.cast.pools["trips"])
    person.think(3, 8)
    query = f"?from={wanted['from_seq']}&to={wanted['to_seq']}&passengers=1"
    with person.ask("GET /trips/{id}", wanted["trip_id"], query=query) as answer:
        answer.expect(200)
        answer.is_page(wanted["seats"][0].encode())
