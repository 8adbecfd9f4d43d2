"""Operators: the dashboard, the schedule, a departure; now and then one is late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from loadtests.people.answers import WrongError
from loadtests.people.person import Visitor
from loadtests.people.shapes import COMPANY_DASHBOARD, MANIFEST, TRIP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loadtests.people.cast import Cast
    from loadtests.pools import Staff

_DELAYS: Final = (0, 5, 10, 15)
_LEAVES_AFTER: Final = timedelta(hours=1)


def look_at_dashboard(person: Operator) -> None:
    with person.ask("GET /api/companies/{id}/dashboard", person.company_id) as answer:
        answer.expect(200)
        answer.document(COMPANY_DASHBOARD)


def look_at_schedule(person: Operator) -> list[Any]:
    """A day's departures, and one of them with its passengers."""
    day = datetime.now(UTC).date() + timedelta(days=person.dice.randint(0, 3))
    query = f"?from={day}&to={day}"
    with person.ask("GET /api/companies/{id}/trips", person.company_id, query=query) as answer:
        answer.expect(200)
        trips = answer.items(TRIP)
        if any(trip["company_id"] != person.company_id for trip in trips):
            raise WrongError("another company's departures", answer.text())
        starts = [trip["departs_at"] for trip in trips]
        if starts != sorted(starts):
            raise WrongError("the departures are not in order", answer.text())
    if trips:
        person.think(3, 8)
        trip_id = person.dice.choice(trips)["id"]
        with person.ask("GET /api/trips/{id}/manifest", trip_id, query="?format=json") as answer:
            answer.expect(200)
            if answer.document(MANIFEST)["trip"]["id"] != trip_id:
                raise WrongError("the manifest of another departure", answer.text())
    return trips


def see_to_schedule(person: Operator) -> None:
    look_at_schedule(person)


def tell_a_delay(person: Operator) -> None:
    """Read, change what was read and nothing newer; who then changes the old version is told so."""
    later = datetime.now(UTC) + _LEAVES_AFTER
    ahead = [
        trip
        for trip in look_at_schedule(person)
        if trip["status"] == "scheduled" and datetime.fromisoformat(trip["departs_at"]) > later
    ]
    if not ahead:
        return
    trip_id = person.dice.choice(ahead)["id"]
    trip, etag = _read(person, trip_id)
    person.think(4, 10)
    delay_min = person.dice.choice([each for each in _DELAYS if each != trip["delay_min"]])
    body = {"delay_min": delay_min}
    with person.ask("PATCH /api/trips/{id}", trip_id, body=body, if_match=etag) as answer:
        answer.expect(200, 409, 412)
        refused = answer.status != 200
        if answer.status == 409 and answer.slug() not in {"bus-busy", "driver-busy", "trip-cancelled"}:
            raise WrongError(f"409 {answer.slug()} to a delay", answer.text())
        if not refused and answer.document(TRIP)["delay_min"] != delay_min:
            raise WrongError("the delay is not what was told", f"{body} {answer.text()}")
        was_stale = answer.status == 412
    if was_stale:
        _read(person, trip_id, other_than=etag)
    if refused or person.dice.random() < 0.5:
        return
    with person.ask("PATCH /api/trips/{id}", trip_id, body={"delay_min": 3}, if_match=etag) as answer:
        answer.expect(412)


def _read(person: Operator, trip_id: str, other_than: str = "") -> tuple[Any, str]:
    with person.ask("GET /api/trips/{id}", trip_id) as answer:
        answer.expect(200)
        trip = answer.document(TRIP)
        if trip["id"] != trip_id or not answer.etag:
            raise WrongError("another departure, or one without ETag", answer.text())
        if answer.etag == other_than:
            raise WrongError("stale, but nothing has changed", answer.etag)
        return trip, answer.etag


def look_at_pages(person: Operator) -> None:
    with person.ask("GET /operator") as answer:
        answer.expect(200)
        answer.is_page()
    person.think(3, 8)
    with person.ask("GET /operator/schedule") as answer:
        answer.expect(200)
        answer.is_page()


class Operator(Visitor):
    role = "operator"
    weight = 3
    account: Staff
    errands: ClassVar[Mapping[Callable[[Operator], None], int]] = {
        look_at_dashboard: 5,
        see_to_schedule: 6,
        tell_a_delay: 2,
        look_at_pages: 2,
    }

    @staticmethod
    def played_by(cast: Cast) -> Sequence[Staff]:
        return cast.operators

    @property
    def company_id(self) -> str:
        return self.account["company_id"]
