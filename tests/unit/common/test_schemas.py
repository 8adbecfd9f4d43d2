from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from common.instants import format_instant, parse_instant
from common.schemas import (
    Currency,
    Email,
    IdField,
    Instant,
    Integer,
    LocalDate,
    Money,
    Phone,
    Slug,
    StrictSchema,
    Text,
    TimeZone,
)


class Everything(StrictSchema):
    id = IdField()
    at = Instant()
    day = LocalDate()
    price = Money()
    refund = Money(minimum=-100)
    slug = Slug()
    name = Text(longest=10)
    password = Text(strip=False)
    count = Integer(minimum=1)
    limit = Integer(from_text=True)
    zone = TimeZone()
    email = Email()
    phone = Phone()
    currency = Currency()


SCHEMA = Everything()


def load(name: str, value: Any) -> Any:
    return SCHEMA.load({name: value})[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "x"),
        ("id", "01890a5dac96774bbcceb302099a8057"),
        ("id", 5),
        ("at", "2030-01-01T00:00:00"),
        ("at", "2030-01-01 00:00:00Z"),
        ("at", "2030-13-01T00:00:00Z"),
        ("at", "0001-01-01T00:00:00+10:00"),
        ("at", 1893456000),
        ("day", "2030-1-1"),
        ("day", "20300101"),
        ("day", "2030-02-30"),
        ("price", {"amount": 1.5, "currency": "INR"}),
        ("price", {"amount": "15", "currency": "INR"}),
        ("price", {"amount": True, "currency": "INR"}),
        ("price", {"amount": -1, "currency": "INR"}),
        ("price", {"amount": 10**13, "currency": "INR"}),
        ("price", {"amount": 1, "currency": "inr"}),
        ("price", {"amount": 1, "currency": "INR", "tip": 1}),
        ("price", {"amount": 1}),
        ("price", 45),
        ("slug", "Not A Slug"),
        ("slug", "a--b"),
        ("slug", "a\n"),
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 11),
        ("name", "bell\x07"),
        ("count", 0),
        ("count", 1.0),
        ("count", "1"),
        ("count", True),
        ("count", 2**31),
        ("limit", "1e3"),
        ("limit", " 7"),
        ("limit", "\u0667"),
        ("zone", "Kolkata"),
        ("zone", "../../etc/passwd"),
        ("email", "nobody"),
        ("email", "asha@exam\u200bple.in"),
        ("email", "asha@example.in\u202e"),
        ("email", "asha@exam\u00adple.in"),
        ("phone", "98450"),
        ("currency", "INR\n"),
        ("other", 1),
    ],
)
def test_what_is_not_of_the_type_is_refused(name: str, value: Any):
    with pytest.raises(ValidationError) as refused:
        load(name, value)
    assert name in refused.value.messages_dict


def test_what_is_of_the_type_is_read():
    identifier = uuid4()
    assert load("id", str(identifier)) == identifier
    assert load("at", "2030-01-01T05:30:00+05:30") == datetime(2030, 1, 1, tzinfo=UTC)
    assert load("day", "2030-01-31") == date(2030, 1, 31)
    assert load("price", {"amount": 45000, "currency": "INR"}) == {"amount": 45000, "currency": "INR"}
    assert load("refund", {"amount": -100, "currency": "INR"})["amount"] == -100
    assert load("name", "  Asha ") == "Asha"
    assert load("password", "  x ") == "  x "
    assert load("limit", "20") == 20
    assert load("email", " Asha@Example.IN ") == "asha@example.in"
    assert (
        load("email", "asha@\u0909\u0926\u093e\u0939\u0930\u0923.in")
        == "asha@\u0909\u0926\u093e\u0939\u0930\u0923.in"
    )
    assert load("phone", "+91 98450-12345") == "+919845012345"
    assert load("zone", "Asia/Kolkata") == "Asia/Kolkata"


def test_money_is_written_from_decimals_of_major_units_and_from_minor_units():
    assert SCHEMA.dump({"price": (Decimal("450.00"), "INR")}) == {
        "price": {"amount": 45000, "currency": "INR"}
    }
    assert SCHEMA.dump({"price": (45000, "INR")}) == {"price": {"amount": 45000, "currency": "INR"}}
    assert SCHEMA.dump({"price": {"amount": 1, "currency": "JPY"}}) == {
        "price": {"amount": 1, "currency": "JPY"}
    }
    assert SCHEMA.dump({"price": None}) == {"price": None}


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))  # ruff: ignore[call-datetime-without-tzinfo] — hypothesis adds the zone
def test_an_instant_keeps_its_milliseconds(moment: datetime):
    text = format_instant(moment)
    assert text.endswith("Z")
    assert parse_instant(text) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def test_an_instant_is_written_in_utc():
    moment = datetime(2030, 1, 1, 5, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert SCHEMA.dump({"at": moment}) == {"at": "2030-01-01T00:00:00Z"}
    with pytest.raises(ValueError, match="time zone"):
        format_instant(datetime(2030, 1, 1))  # ruff: ignore[call-datetime-without-tzinfo] — the point of the test
