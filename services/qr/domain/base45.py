"""Base45 (RFC 9285): bytes as text of the 45 characters that a QR code stores densest.

Strict both ways: what is not exactly the encoding of some bytes is refused, so one value has one text.
"""

from __future__ import annotations

from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_DIGITS: Final = {character: digit for digit, character in enumerate(ALPHABET)}
_BASE: Final = 45
_SQUARE: Final = _BASE * _BASE


class Base45Malformed(ValueError):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """The text is not base45."""


def encode(value: bytes) -> str:
    """Two bytes become three characters, least significant first; a last single byte becomes two."""
    characters: list[str] = []
    for at in range(0, len(value) - 1, 2):
        upper, first = divmod(value[at] << 8 | value[at + 1], _BASE)
        third, second = divmod(upper, _BASE)
        characters += ALPHABET[first], ALPHABET[second], ALPHABET[third]
    if len(value) % 2:
        second, first = divmod(value[-1], _BASE)
        characters += ALPHABET[first], ALPHABET[second]
    return "".join(characters)


def decode(text: str) -> bytes:
    """The bytes; raises Base45Malformed for a foreign character, a length or a number that cannot be."""
    try:
        digits = [_DIGITS[character] for character in text]
    except KeyError as error:
        raise Base45Malformed("a character is not of the alphabet") from error
    odd = len(digits) % 3
    if odd == 1:
        raise Base45Malformed("one character alone stands for nothing")
    value = bytearray()
    whole = len(digits) - odd
    for first, second, third in zip(digits[0:whole:3], digits[1:whole:3], digits[2:whole:3], strict=True):
        number = first + second * _BASE + third * _SQUARE
        if number > 0xFFFF:
            raise Base45Malformed("three characters stand for more than two bytes")
        value += number.to_bytes(2)
    if odd:
        number = digits[-2] + digits[-1] * _BASE
        if number > 0xFF:
            raise Base45Malformed("two characters stand for more than a byte")
        value.append(number)
    return bytes(value)
