"""Choices that stay the same when one of the candidates is gone.

A shuffle of a list with one item less is another shuffle. Here each candidate has its own rank from the
seed, so what was sold out since moves nothing else, and both sides come to the same choice.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


def rank(seed: int, *key: object) -> bytes:
    """Where something stands among its like."""
    return blake2b(repr((seed, key)).encode(), digest_size=8).digest()


def chosen(candidates: Iterable[T], count: int, seed: int, key: Callable[[T], object]) -> list[T]:
    """The first `count` by rank; `key` tells one candidate from another, whichever side it came from."""
    return sorted(candidates, key=lambda each: rank(seed, key(each)))[:count]
