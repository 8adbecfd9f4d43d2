"""The wire of departures, as far as searches, bookings and tickets show them."""

from __future__ import annotations

import re
from datetime import time
from typing import Any

from marshmallow import fields, validate
from marshmallow.exceptions import ValidationError

TRIP_STATUS = validate.OneOf(("scheduled", "cancelled"))
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class Clock(fields.String):
    """A local time, `HH:MM`."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(*args, **kwargs)
        if _CLOCK.fullmatch(text) is None:
            raise ValidationError("Not a time of day, as 07:30.")
        return time.fromisoformat(text)


class Degrees(fields.Float):
    """A coordinate: a number within its bounds."""

    def __init__(self, bound: int, **kwargs: Any) -> None:
        super().__init__(allow_nan=False, validate=validate.Range(min=-bound, max=bound), **kwargs)
