"""What a seat costs between two stops of a route: a rule without I/O.

A route stores `fare_sum`, the running sum of its legs, so that any stretch is one subtraction.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

DEAREST = Decimal(3_000_000)
"""The most that a whole route may cost: six seats of the dearest class still fit numeric(10,2)."""

DEAREST_PERCENT = 500


def fare(sum_from: Decimal, sum_to: Decimal, fare_percent: int, decimals: int = 2) -> Decimal:
    """The price between two stops: the legs, times the class's percent, half up to the minor unit.

    `sum_from` and `sum_to` are the stops' `fare_sum`; they never fall along a route. `decimals` is how many
    the currency has (`common.money.exponent`).
    """
    if sum_to < sum_from:
        raise ValueError(f"fare sums fall from {sum_from} to {sum_to}")
    if fare_percent < 0:
        raise ValueError(f"a class cannot cost {fare_percent} percent")
    return ((sum_to - sum_from) * fare_percent / 100).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def fare_sums(leg_fares: list[Decimal]) -> list[Decimal]:
    """The running sums of the legs: what `fare` takes its differences of."""
    sums: list[Decimal] = []
    total = Decimal(0)
    for leg in leg_fares:
        total += leg
        sums.append(total)
    return sums
