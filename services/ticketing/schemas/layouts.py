"""The wire of seat layouts, as far as a seat map shows them."""

from __future__ import annotations

import re

from marshmallow import fields, validate

from common.schemas import Integer, StrictSchema, Text

DECK = validate.OneOf(("lower", "upper"))
CLASS_CODE = validate.Regexp(
    re.compile(r"[a-z][a-z0-9_-]{0,19}\Z"), error="Lower-case letters, digits, _ and -."
)
SEAT = validate.Regexp(
    re.compile(r"[A-Z0-9]{1,3}\Z"), error="One to three capital letters and digits, as A1."
)
DEAREST_PERCENT = 500


class Deck(StrictSchema):
    deck = fields.String(required=True, validate=DECK)
    rows = Integer(required=True, minimum=1, maximum=40)
    columns = Integer(required=True, minimum=1, maximum=9)


class SeatClass(StrictSchema):
    code = fields.String(required=True, validate=CLASS_CODE)
    name = Text(required=True, longest=40)
    fare_percent = Integer(required=True, minimum=1, maximum=DEAREST_PERCENT)
