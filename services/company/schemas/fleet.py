"""The wire of layouts, buses and drivers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from marshmallow import fields, validate, validates_schema
from marshmallow.exceptions import ValidationError

from common.instants import format_instant
from common.schemas import IdField, Instant, Integer, Phone, StrictSchema, Text
from services.company.domain.layouts import Arrangement, arrange, layout_errors
from services.company.domain.network import DEAREST_PERCENT
from services.company.schemas.companies import require_a_change

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUS = validate.OneOf(("active", "retired"))
DECK = validate.OneOf(("lower", "upper"))
CLASS_CODE = validate.Regexp(
    re.compile(r"[a-z][a-z0-9_-]{0,19}\Z"), error="Lower-case letters, digits, _ and -."
)
SEAT = validate.Regexp(
    re.compile(r"[A-Z0-9]{1,3}\Z"), error="One to three capital letters and digits, as A1."
)
MOST_SEATS = 120


class Deck(StrictSchema):
    deck = fields.String(required=True, validate=DECK)
    rows = Integer(required=True, minimum=1, maximum=40)
    columns = Integer(required=True, minimum=1, maximum=9)


class SeatClass(StrictSchema):
    code = fields.String(required=True, validate=CLASS_CODE)
    name = Text(required=True, longest=40)
    fare_percent = Integer(required=True, minimum=1, maximum=DEAREST_PERCENT)


class Seat(StrictSchema):
    seat = fields.String(required=True, validate=SEAT)
    deck = fields.String(required=True, validate=DECK)
    row = Integer(required=True, minimum=1, maximum=40)
    column = Integer(required=True, minimum=1, maximum=9)
    seat_class = fields.String(required=True, data_key="class", attribute="class", validate=CLASS_CODE)


class NewLayout(StrictSchema):
    name = Text(required=True, longest=80)
    decks = fields.List(fields.Nested(Deck), required=True, validate=validate.Length(min=1, max=2))
    classes = fields.List(fields.Nested(SeatClass), required=True, validate=validate.Length(min=1, max=10))
    seats = fields.List(fields.Nested(Seat), required=True, validate=validate.Length(min=1, max=MOST_SEATS))

    @validates_schema(skip_on_field_errors=True)
    @staticmethod
    def fits(data: dict[str, Any], **_: Any) -> None:
        errors = layout_errors(data["decks"], data["classes"], data["seats"])
        if errors:
            raise ValidationError(errors)


SEATS_ABREAST = ("1+1", "2+1", "1+2", "2+2", "2+3", "3+2")
SEAT_CLASSES = {"seater": "Seater", "semi-sleeper": "Semi-sleeper", "sleeper": "Sleeper", "front": "Front"}


class NewArrangement(StrictSchema):
    """A layout of equal rows, as the page's form makes it."""

    name = Text(required=True, longest=80)
    lower = fields.String(required=True, validate=validate.OneOf(SEATS_ABREAST))
    lower_rows = Integer(required=True, minimum=1, maximum=20)
    lower_class = fields.String(load_default="seater", validate=validate.OneOf(tuple(SEAT_CLASSES)))
    lower_percent = Integer(load_default=100, minimum=1, maximum=DEAREST_PERCENT)
    upper = fields.String(load_default=None, validate=validate.OneOf(SEATS_ABREAST))
    upper_rows = Integer(load_default=None, minimum=1, maximum=20)
    upper_class = fields.String(load_default="sleeper", validate=validate.OneOf(tuple(SEAT_CLASSES)))
    upper_percent = Integer(load_default=100, minimum=1, maximum=DEAREST_PERCENT)

    @validates_schema(skip_on_field_errors=True)
    @staticmethod
    def whole(data: dict[str, Any], **_: Any) -> None:
        if data["upper"] is not None and data["upper_rows"] is None:
            raise ValidationError({"upper_rows": ["How many rows has the upper deck?"]})
        same = data["upper"] is not None and data["upper_class"] == data["lower_class"]
        if same and data["upper_percent"] != data["lower_percent"]:
            raise ValidationError({"upper_percent": ["One class has one fare: choose another class."]})


def arrangement_layout(data: Mapping[str, Any]) -> dict[str, Any]:
    """The layout that the form describes."""
    decks = []
    for deck in ("lower", "upper"):
        if data[deck] is not None:
            left, right = map(int, data[deck].split("+"))
            code = data[f"{deck}_class"]
            decks.append(
                Arrangement(
                    deck, left, right, data[f"{deck}_rows"], code, SEAT_CLASSES[code], data[f"{deck}_percent"]
                )
            )
    return arrange(data["name"], decks)


class Layout(NewLayout):
    id = IdField(required=True)
    company_id = IdField(required=True)
    capacity = Integer(required=True)


class LayoutPage(StrictSchema):
    items = fields.List(fields.Nested(Layout), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class NewBus(StrictSchema):
    plate = Text(required=True, longest=20)
    name = Text(longest=80, allow_none=True)
    layout_id = IdField(required=True)


class BusChanges(StrictSchema):
    name = Text(longest=80, allow_none=True)
    layout_id = IdField()
    status = fields.String(validate=STATUS)

    @validates_schema
    @staticmethod
    def something(data: dict[str, Any], **_: Any) -> None:
        require_a_change(data)


class Bus(StrictSchema):
    id = IdField(required=True)
    company_id = IdField(required=True)
    plate = Text(required=True)
    name = Text(required=True, allow_none=True)
    layout_id = IdField(required=True)
    status = fields.String(required=True, validate=STATUS)
    capacity = Integer(required=True)
    updated_at = Instant(required=True)


class BusPage(StrictSchema):
    items = fields.List(fields.Nested(Bus), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class NewDriver(StrictSchema):
    name = Text(required=True, longest=120)
    phone = Phone(allow_none=True)
    licence = Text(required=True, longest=40)
    user_id = IdField(allow_none=True, metadata={"description": "The account that the driver signs in with."})


class DriverChanges(StrictSchema):
    name = Text(longest=120)
    phone = Phone(allow_none=True)
    licence = Text(longest=40)
    user_id = IdField(allow_none=True)
    status = fields.String(validate=STATUS)

    @validates_schema
    @staticmethod
    def something(data: dict[str, Any], **_: Any) -> None:
        require_a_change(data)


class Driver(StrictSchema):
    id = IdField(required=True)
    company_id = IdField(required=True)
    name = Text(required=True)
    phone = Phone(required=True, allow_none=True)
    licence = Text(required=True)
    user_id = IdField(required=True, allow_none=True)
    status = fields.String(required=True, validate=STATUS)
    updated_at = Instant(required=True)


class DriverPage(StrictSchema):
    items = fields.List(fields.Nested(Driver), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def layout_wire(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "company_id": row["company_id"],
        "name": row["name"],
        "decks": row["decks"],
        "classes": row["classes"],
        "seats": row["seats"],
        "capacity": row["capacity"],
    }


def bus_wire(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "company_id": row["company_id"],
        "plate": row["plate"],
        "name": row["name"],
        "layout_id": row["layout_id"],
        "status": row["status"],
        "capacity": row["capacity"],
        "updated_at": format_instant(row["updated_at"]),
    }


def driver_wire(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "company_id": row["company_id"],
        "name": row["name"],
        "phone": row["phone"],
        "licence": row["licence"],
        "user_id": row["user_id"],
        "status": row["status"],
        "updated_at": format_instant(row["updated_at"]),
    }
