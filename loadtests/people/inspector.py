"""Inspectors: load the list before the bus leaves, then scan, scan, scan; some scan without a network."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final
from uuid import uuid4

from loadtests.people.answers import WrongError
from loadtests.people.person import Visitor
from loadtests.people.shapes import BATCH, CHECK_IN, MANIFEST, OFFLINE_LIST, VERDICT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loadtests.people.cast import Cast
    from loadtests.pools import Boarding, Staff

AT_A_DOOR: Final = 6
"""So many passengers are scanned in a row."""
BATCH_OF: Final = 3
_REFUSED: Final = frozenset({"already_used", "cancelled", "revoked"})
"""What may have happened to a ticket that was good: scanned in an earlier run, given back, reissued."""


def let_people_board(person: Inspector) -> None:
    for _ in range(AT_A_DOOR):
        ticket = person.take_ticket()
        if ticket is None:
            look_twice(person)
            return
        reason = _verify(person, ticket)
        if reason == "ok":
            person.think(0.5, 1.5)
            _check_in(person, ticket)
        person.think(1, 4)


def look_twice(person: Inspector) -> None:
    """A ticket that has been scanned is not good for a second passenger."""
    scanned = person.cast.scanned[person.company_id]
    if scanned:
        _verify(person, person.dice.choice(scanned))


def _verify(person: Inspector, ticket: Boarding) -> str:
    body = {"token": ticket["token"], "trip_id": ticket["trip_id"], "stop_seq": ticket["from_seq"]}
    with person.ask("POST /api/qr/verify", body=body) as answer:
        answer.expect(200)
        verdict = answer.document(VERDICT)
        reason = str(verdict["reason"])
        if verdict["valid"] != (reason == "ok") or (reason != "ok" and reason not in _REFUSED):
            raise WrongError(f"a good ticket is {reason}", f"{ticket} {verdict}")
        if verdict["ticket_id"] != ticket["ticket_id"]:
            raise WrongError("the verdict is of another ticket", f"{ticket} {verdict}")
        if reason == "ok" and ticket in person.cast.scanned[person.company_id]:
            raise WrongError("a ticket is good twice", f"{ticket} {verdict}")
    return reason


def _check_in(person: Inspector, ticket: Boarding) -> None:
    """One in four scanners is not sure to have been heard, and sends the same scan again."""
    body = {
        "token": ticket["token"],
        "trip_id": ticket["trip_id"],
        "nonce": uuid4().hex,
        "stop_seq": ticket["from_seq"],
        "device_id": f"scanner-{person.number}",
    }
    with person.ask("POST /api/check-ins", body=body) as answer:
        answer.expect(201, 409)
        if answer.status == 409:
            _check_refusal(answer.slug(), answer.text())
            return
        first = answer.document(CHECK_IN)
        if first["ticket_id"] != ticket["ticket_id"] or first["nonce"] != body["nonce"] or first["duplicate"]:
            raise WrongError("another check-in than was asked for", f"{ticket} {first}")
    person.cast.scanned[person.company_id].append(ticket)
    if person.dice.random() < 0.25:
        with person.ask("POST /api/check-ins", body=body) as answer:
            answer.expect(200)
            if answer.document(CHECK_IN) != first:
                raise WrongError("the same scan is another check-in", f"{first} {answer.text()}")


def _check_refusal(slug: str, text: str) -> None:
    """The passenger may have given it back since it was verified."""
    if slug != "check-in-refused" or not any(f'"{reason}"' in text for reason in _REFUSED):
        raise WrongError(f"409 {slug} to a scan", text)


def scan_offline(person: Inspector) -> None:
    """The list beforehand, and the scans when there is a network again."""
    tickets = [ticket for _ in range(BATCH_OF) if (ticket := person.take_ticket()) is not None]
    if not tickets:
        look_at_lists(person)
        return
    _load_list(person, tickets[0]["trip_id"])
    scans: list[dict[str, Any]] = []
    for ticket in tickets:
        person.think(1, 4)
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        scans.append(
            {
                "token": ticket["token"],
                "trip_id": ticket["trip_id"],
                "nonce": uuid4().hex,
                "scanned_at": at,
                "stop_seq": ticket["from_seq"],
            }
        )
    with person.ask("POST /api/check-ins/batch", body={"scans": scans}, key=uuid4().hex) as answer:
        answer.expect(200)
        batch = answer.document(BATCH)
        if [item["nonce"] for item in batch["items"]] != [scan["nonce"] for scan in scans]:
            raise WrongError("the batch is answered in another order", answer.text())
        for ticket, item in zip(tickets, batch["items"], strict=True):
            if item["result"] == "recorded":
                person.cast.scanned[person.company_id].append(ticket)
            elif item["result"] != "refused" or item["reason"] not in _REFUSED:
                raise WrongError(f"an offline scan is {item['result']}, {item['reason']}", f"{ticket} {item}")


def _load_list(person: Inspector, trip_id: str) -> None:
    route = "GET /api/trips/{id}/offline-list"
    with person.ask(route, trip_id) as answer:
        answer.expect(200)
        there, etag = answer.document(OFFLINE_LIST), answer.etag
        if there["trip_id"] != trip_id or not there["keys"]:
            raise WrongError("a list without keys, or of another departure", answer.text())
    person.think(1, 3)
    with person.ask(route, trip_id, etag=etag) as answer:
        answer.expect(200, 304)
        if answer.status == 200 and answer.etag == etag:
            raise WrongError("200 instead of 304, with the same ETag", etag)


def look_at_lists(person: Inspector) -> None:
    """Manifest and check-ins of a departure."""
    trip_id = person.any_trip()
    if trip_id is None:
        return
    with person.ask("GET /api/trips/{id}/manifest", trip_id, query="?format=json") as answer:
        answer.expect(200)
        manifest = answer.document(MANIFEST)
        if manifest["trip"]["id"] != trip_id:
            raise WrongError("the manifest of another departure", answer.text())
    person.think(3, 8)
    with person.ask("GET /api/trips/{id}/check-ins", trip_id) as answer:
        answer.expect(200)
        answer.is_list()


class Inspector(Visitor):
    role = "inspector"
    weight = 7
    account: Staff
    errands: ClassVar[Mapping[Callable[[Inspector], None], int]] = {
        let_people_board: 12,
        look_twice: 2,
        scan_offline: 3,
        look_at_lists: 3,
    }

    @staticmethod
    def played_by(cast: Cast) -> Sequence[Staff]:
        return cast.inspectors

    @property
    def company_id(self) -> str:
        return self.account["company_id"]

    def take_ticket(self) -> Boarding | None:
        """The next passenger at the door."""
        waiting = self.cast.boarding[self.company_id]
        return waiting.popleft() if waiting else None

    def any_trip(self) -> str | None:
        """A departure of the company that people board today."""
        known = [*self.cast.boarding[self.company_id], *self.cast.scanned[self.company_id]]
        return self.dice.choice(known)["trip_id"] if known else None
