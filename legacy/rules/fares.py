"""What a seat costs between two stops of a route: a rule without I/O.

A route stores `fare_sum`, the running sum of its legs, so that any stretch is one subtraction.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

MINOR_UNIT = Decimal("0.01")


def fare(sum_from: Decimal, sum_to: Decimal, fare_percent: int) -> Decimal:
    """The price between two stops: legs between them, times the class's percent, half up to the minor unit.

    `sum_from` and `sum_to` are the stops' `fare_sum`; they never fall along a route.
    """
    if sum_to < sum_from:
        raise ValueError(f"fare sums fall from {sum_from} to {sum_to}")
    if fare_percent < 0:
        raise ValueError(f"a class cannot cost {fare_percent} percent")
    return ((sum_to - sum_from) * fare_percent / 100).quantize(MINOR_UNIT, ROUND_HALF_UP)


def fare_sums(leg_fares: list[Decimal]) -> list[Decimal]:
    """The running sums of the legs: what `fare` takes its differences of."""
    sums: list[Decimal] = []
    total = Decimal(0)
    for leg in leg_fares:
        total += leg
        sums.append(total)
    return sums
