"""Student's distribution: how far a mean of few may stray, and how likely it is to stray so far."""

from __future__ import annotations

import math
from typing import Final

# The 97.5th percentile by degrees of freedom; above 30 the normal's with Fisher's correction.
_STUDENT: Final = (
    12.706,
    4.303,
    3.182,
    2.776,
    2.571,
    2.447,
    2.365,
    2.306,
    2.262,
    2.228,
    2.201,
    2.179,
    2.160,
    2.145,
    2.131,
    2.120,
    2.110,
    2.101,
    2.093,
    2.086,
    2.080,
    2.074,
    2.069,
    2.064,
    2.060,
    2.056,
    2.052,
    2.048,
    2.045,
    2.042,
)


def student(freedom: int) -> float:
    if freedom <= len(_STUDENT):
        return _STUDENT[freedom - 1]
    return 1.96 + 2.4 / freedom


def tail(t: float, freedom: int) -> float:
    """The part of the distribution above t; the finite sum of whole degrees of freedom."""
    angle = math.atan(t / math.sqrt(freedom))
    square = math.cos(angle) ** 2
    is_odd = freedom % 2 == 1
    term = math.cos(angle) if is_odd else 1.0
    terms = 0.0
    for number in range(1 + is_odd, freedom, 2):
        terms += term
        term *= square * number / (number + 1)
    within = math.sin(angle) * terms
    if is_odd:
        within = (angle + within) * 2 / math.pi
    return (1 - within) / 2
