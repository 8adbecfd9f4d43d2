"""What goes with a route's path: queries and bodies, each drawn for one request from its subject."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import uuid4

from deploy.demo import PASSWORD
from loadtests.openloop import stock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from loadtests.openloop.cast import Subject
    from loadtests.wire import Answer


def asked(_dice: Random, subject: Subject) -> str:
    """The subject's own query."""
    return subject.id


def stretch(_dice: Random, subject: Subject) -> str:
    return str(subject.more)


def period(dice: Random, _subject: Subject) -> str:
    return stock.period(dice.randrange(6), dice.choice((7, 14, 30)))


def days_ahead(dice: Random, _subject: Subject) -> str:
    first = datetime.now(UTC).date() + timedelta(days=dice.randrange(10))
    return urlencode({"from": first, "to": first + timedelta(days=dice.randrange(1, 5))})


def day(dice: Random, _subject: Subject) -> str:
    return urlencode({"day": datetime.now(UTC).date() + timedelta(days=dice.randrange(10))})


def page_size(dice: Random, _subject: Subject) -> str:
    return f"limit={dice.choice((10, 20, 20, 50))}"


def who(dice: Random, subject: Subject) -> str:
    return urlencode({"q": subject.more["email"][: dice.randrange(2, 8)]})


def listed(dice: Random, _subject: Subject) -> str:
    return dice.choice(("", "when=upcoming", "when=past"))


def shown(dice: Random, _subject: Subject) -> str:
    return f"when={dice.choice(('upcoming', 'past', 'all'))}"


def form_of_code(dice: Random, _subject: Subject) -> str:
    return f"format=png&size={dice.choice((256, 384, 512))}"


def reset_token(dice: Random, _subject: Subject) -> str:
    return f"token={dice.getrandbits(256):064x}"


def trip_to_scan(_dice: Random, subject: Subject) -> str:
    return f"trip_id={subject.id}"


def login(_dice: Random, subject: Subject) -> Any:
    assert subject.by is not None
    return {"email": subject.by["email"], "password": PASSWORD}


def refreshed(subject: Subject, answer: Answer) -> Subject:
    return subject._replace(more=answer.json()["refresh_token"])


def shown_code(_dice: Random, subject: Subject) -> Any:
    return {"token": subject.more["token"], "trip_id": subject.more["trip_id"]}


def scan(code: Mapping[str, Any]) -> dict[str, Any]:
    """One that nobody has made before: dice repeat themselves, and a nonce stands for one scan."""
    return {"token": code["token"], "trip_id": code["trip_id"], "nonce": uuid4().hex}


def batch(_dice: Random, subject: Subject) -> Any:
    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"scans": [{**scan(code), "scanned_at": at} for code in subject.more]}


def delay(dice: Random, _subject: Subject) -> Any:
    return {"delay_min": dice.randrange(30)}


def traveller(dice: Random, _subject: Subject) -> Any:
    return {"name": f"Meera {dice.randrange(10_000)}", "age": dice.randrange(4, 80)}


def phone(dice: Random, _subject: Subject) -> Any:
    return {"phone": f"+9198450{dice.randrange(100_000):05}"}
