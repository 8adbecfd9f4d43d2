"""What makes a route that a bus can run: rules without I/O."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

EARTH_RADIUS_KM = 6371.0088


def offset_errors(offsets: Sequence[tuple[int, int]]) -> dict[str, list[str]]:
    """What is wrong with a route's (arrive_s, depart_s), by dotted path: both start at 0 and never fall."""
    errors: dict[str, list[str]] = {}
    before = 0
    for seq, (arrive_s, depart_s) in enumerate(offsets):
        if seq == 0 and (arrive_s, depart_s) != (0, 0):
            errors["stops.0.depart_s"] = ["Offsets count from the departure here: both are 0."]
        elif arrive_s < before:
            errors[f"stops.{seq}.arrive_s"] = [f"The bus left the stop before at {before} s."]
        elif depart_s < arrive_s:
            errors[f"stops.{seq}.depart_s"] = [f"The bus arrives here at {arrive_s} s."]
        before = max(before, arrive_s, depart_s)
    return errors


def distance_km(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """The way between two points along the great circle (haversine), in kilometres."""
    north = sin(radians(other_lat - lat) / 2) ** 2
    east = cos(radians(lat)) * cos(radians(other_lat)) * sin(radians(other_lon - lon) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(north + east)))
