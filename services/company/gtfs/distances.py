"""How far it is between two stops: a rule without I/O."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_KM = 6371.0088


def distance_km(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """The way between two points along the great circle (haversine), in kilometres."""
    north = sin(radians(other_lat - lat) / 2) ** 2
    east = cos(radians(lat)) * cos(radians(other_lat)) * sin(radians(other_lon - lon) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(north + east)))
