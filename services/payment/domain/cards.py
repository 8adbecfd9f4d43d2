"""Payment cards as far as we look at them: is the number one, whose is it, is it still good.

A number is never shown: not in a repr, not in an error, not in a log. Kept of it are brand and last four.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date

SHORTEST: Final = 12
LONGEST: Final = 19
FARTHEST_YEARS: Final = 20
_BLANKS: Final = re.compile(r"[ -]")

# First match wins: RuPay's ranges lie in Discover's and Maestro's.
_BRANDS: Final = (
    ("visa", re.compile(r"4")),
    ("mastercard", re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720")),
    ("amex", re.compile(r"3[47]")),
    ("rupay", re.compile(r"508[5-9]|60698[5-9]|60699|607|608|652[12]|81|82|353|356")),
    ("diners", re.compile(r"30[0-5]|3[689]")),
    ("jcb", re.compile(r"352[89]|35[3-8]")),
    ("discover", re.compile(r"6011|64[4-9]|65")),
    ("maestro", re.compile(r"50|5[6-9]|6")),
)


@dataclass(frozen=True, slots=True)
class Card:
    """A card that somebody typed in, on its way to the provider."""

    number: str = field(repr=False)
    exp_month: int
    exp_year: int
    cvc: str = field(repr=False)
    name: str | None = None

    @property
    def brand(self) -> str:
        return brand(self.number)

    @property
    def last4(self) -> str:
        return self.number[-4:]


def plain_number(typed: str) -> str:
    """The digits without the blanks and hyphens that people put between them."""
    return _BLANKS.sub("", typed)


def why_bad_number(number: str) -> str | None:
    """What is wrong with a plain number, or None."""
    if not (number.isascii() and number.isdecimal()) or not SHORTEST <= len(number) <= LONGEST:
        return f"Must be {SHORTEST} to {LONGEST} digits."
    if not passes_luhn(number):
        return "Is not the number of a card: the check digit does not fit."
    return None


def why_bad_cvc(number: str, cvc: str) -> str | None:
    """What is wrong with a security code, or None: four digits with American Express, else three."""
    digits = 4 if brand(number) == "amex" else 3
    if not (cvc.isascii() and cvc.isdecimal()) or len(cvc) != digits:
        return f"Must be {digits} digits."
    return None


def why_bad_expiry(month: int, year: int, today: date) -> str | None:
    """What is wrong with an expiry, or None. A card is good to the end of its month."""
    if (year, month) < (today.year, today.month):
        return "The card has expired."
    if year > today.year + FARTHEST_YEARS:
        return "Is too far in the future."
    return None


def passes_luhn(number: str) -> bool:
    """Whether the last digit is the check digit of those before it (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, character in enumerate(reversed(number)):
        digit = int(character) * (1 + place % 2)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def brand(number: str) -> str:
    """Whose card it is by its first digits, or `card`."""
    return next((name for name, pattern in _BRANDS if pattern.match(number)), "card")
