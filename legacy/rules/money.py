"""Money of the monolith: numeric(10,2) in its tables, minor units on the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from common.money import money, to_major, to_minor

LARGEST: Final = Decimal("99999999.99")  # what numeric(10,2) holds
_CENT: Final = Decimal("0.01")


def to_decimal(amount_minor: int, currency: str) -> Decimal:
    """``45000, "INR"`` → ``Decimal("450.00")``; raises ValueError for what numeric(10,2) does not hold.

    That is an amount that is too large, or one of a currency with three decimals that uses the third.
    """
    major = to_major(amount_minor, currency)
    if abs(major) > LARGEST:
        raise ValueError(f"{major} {currency} is too large")
    stored = major.quantize(_CENT)
    if stored != major:
        raise ValueError(f"{major} {currency} has more than two decimals")
    return stored


def wire_money(amount: Decimal, currency: str) -> dict[str, Any]:
    """``Decimal("450.00"), "INR"`` → ``{"amount": 45000, "currency": "INR"}``."""
    return money(to_minor(amount, currency), currency)


__all__ = ["LARGEST", "to_decimal", "to_minor", "wire_money"]
