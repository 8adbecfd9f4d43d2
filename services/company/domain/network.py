"""What makes a route that a bus can run, and what a way along it costs: rules without I/O.

A route stores `fare_sum_minor`, the running sum of its legs, so that any stretch is one subtraction.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from common.money import exponent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEAREST: Final = 3_000_000
"""The most that a whole route may cost, in major units: what both sides can hold."""

DEAREST_PERCENT: Final = 500
"""What a seat class may cost at most, in percent of the fare."""


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


def dearest_minor(currency: str) -> int:
    """The most that a whole route may cost, in minor units."""
    return int(DEAREST * 10 ** exponent(currency))


def fare_sums(leg_fares_minor: Sequence[int]) -> list[int]:
    """The running sums of the legs: a fare is a difference of two."""
    return list(accumulate(leg_fares_minor))


def calls_of(stops: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a route's row holds of its stops, from {stop_id, arrive_s, depart_s, leg_fare_minor} in order."""
    sums = fare_sums([stop["leg_fare_minor"] for stop in stops])
    return [
        {
            "seq": seq,
            "stop_id": str(stop["stop_id"]),
            "arrive_s": stop["arrive_s"],
            "depart_s": stop["depart_s"],
            "leg_fare_minor": stop["leg_fare_minor"],
            "fare_sum_minor": fare_sum,
        }
        for seq, (stop, fare_sum) in enumerate(zip(stops, sums, strict=True))
    ]
