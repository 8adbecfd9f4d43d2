"""Names of cities and companies as parts of addresses: a rule without I/O.

A slug holds only `a-z`, `0-9` and `-`, so it needs no escaping anywhere; the same name always gives
the same slug.
"""

from __future__ import annotations

import re
import unicodedata

# Latin letters that Unicode does not take apart.
_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})
_GAP = re.compile(r"[\W_]+")


def slug(name: str) -> str:
    """`Bengaluru` → `bengaluru`, `São Paulo` → `sao-paulo`; other scripts become Punycode."""
    words = _words(unicodedata.normalize("NFC", name.casefold()))
    return "-".join(filter(None, (_ascii(word) for word in words)))


def _words(name: str) -> list[str]:
    # Vowel signs of Indic scripts are no letters to `re`, yet belong to their word.
    spaced = "".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in name)
    return spaced.split()


def _ascii(word: str) -> str:
    plain = "".join(_fold(character) for character in word.translate(_LETTERS))
    if plain.isascii():
        return _GAP.sub("", plain)
    return "xn-" + plain.encode("punycode").decode("ascii").lower().strip("-")


def _fold(character: str) -> str:
    """The base of an accented Latin letter; anything else as it is, but for accents that stand alone."""
    if "\u0300" <= character <= "\u036f":
        return ""
    base = unicodedata.normalize("NFKD", character)[:1].casefold()  # a mathematical A has a case only now
    return base if base.isascii() else character
