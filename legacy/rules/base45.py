"""Base45 (RFC 9285): bytes as text of the 45 characters that a QR code stores densest.

Strict both ways: what is not exactly the encoding of some bytes is refused, so one value has one text.
"""

from __future__ import annotations

import struct
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_DIGITS: Final = {character: digit for digit, character in enumerate(ALPHABET)}
_SQUARE: Final = 45 * 45
_TWO: Final = [low + high for high in ALPHABET for low in ALPHABET]  # a number below 2025
_PAIR: Final = 3  # characters for two bytes; a last single byte takes two
_SINGLE: Final = 2


class Base45Malformed(ValueError):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """The text is not base45."""


def encode(value: bytes) -> str:
    """Two bytes become three characters, least significant first; a last single byte becomes two."""
    numbers = struct.unpack(f">{len(value) // 2}H", value[: len(value) & ~1])
    text = "".join([_TWO[number % _SQUARE] + ALPHABET[number // _SQUARE] for number in numbers])
    return text + _TWO[value[-1]] if len(value) % 2 else text


def decode(text: str) -> bytes:
    """The bytes; raises Base45Malformed for a foreign character, a length or a number that cannot be."""
    try:
        digits = [_DIGITS[character] for character in text]
    except KeyError as error:
        raise Base45Malformed("a character is not of the alphabet") from error
    value = bytearray()
    for start in range(0, len(digits), _PAIR):
        group = digits[start : start + _PAIR]
        number = sum(digit * 45**place for place, digit in enumerate(group))
        size = len(group) - 1
        if size == 0 or number >= 256**size:
            raise Base45Malformed("a group of characters stands for no bytes")
        value += number.to_bytes(size)
    return bytes(value)
