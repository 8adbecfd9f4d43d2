"""Money: minor units on the wire, Decimals of major units in a numeric column."""

from decimal import Decimal
from typing import Any, Final

# ISO 4217 minor units that are not 2.
_EXPONENTS: Final = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}


def exponent(currency: str) -> int:
    """How many decimals a currency's major unit has."""
    return _EXPONENTS.get(currency, 2)


def to_minor(major: Decimal, currency: str) -> int:
    """``Decimal("450.00"), "INR"`` → 45000; raises ValueError for a fraction of a minor unit."""
    scaled = major.scaleb(exponent(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{major} {currency} is not a whole number of minor units")
    return int(scaled)


def to_major(amount_minor: int, currency: str) -> Decimal:
    """``45000, "INR"`` → ``Decimal("450.00")``."""
    return Decimal(amount_minor).scaleb(-exponent(currency))


def money(amount_minor: int, currency: str) -> dict[str, Any]:
    """The wire's object."""
    return {"amount": amount_minor, "currency": currency}
