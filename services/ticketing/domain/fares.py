"""What a seat costs between two stops of a route: a rule without I/O.

A route knows the running sum of its legs at each stop, so that any stretch is one subtraction. The database
says the same in `hold_seats`; both round alike.
"""

from __future__ import annotations

from typing import Final

from common.money import exponent

MOST_DECIMALS: Final = 2
"""Fares of currencies with three decimals end in a zero."""


def step_of(currency: str) -> int:
    """The least difference of two fares, in minor units."""
    step: int = 10 ** max(0, exponent(currency) - MOST_DECIMALS)
    return step


def share(amount_minor: int, percent: int, step: int) -> int:
    """`percent` of an amount that is not negative, half up to a multiple of `step`."""
    if amount_minor < 0 or percent < 0:
        raise ValueError(f"{percent} percent of {amount_minor} is no fare")
    return (amount_minor * percent + 50 * step) // (100 * step) * step
