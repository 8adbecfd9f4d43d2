"""How far rounds stray from each other: what a route says of itself, moderated by what all routes say.

Six rounds say little of their own scatter, seventy routes together say much of what is usual. So each route's
variance is taken as one of many that are alike, not equal: its own counts for its rounds, the usual one for
as much as routes agree on it. It is the empirical Bayes estimate of Smyth, "Linear models and empirical Bayes
methods" (2004), whose moderated t has the degrees of freedom of both. One that strays far more than the
others is none of them, and is believed by itself.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loadtests.report.student import student

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FEWEST_ROUTES: Final = 10
"""Of fewer, little can be learnt of how alike they are: what they have in common is the least of each."""
_LEAST: Final = 1e-5
"""Of the median: a variance below it is a chance, and its logarithm would outweigh all others."""


@dataclass(frozen=True, slots=True)
class Scatter:
    """The usual one of logarithms between rounds; it counts for `worth` degrees of freedom, of `freedom`.

    Without a worth it is the least that any route has.
    """

    of_logs: float
    freedom: int
    worth: float | None = None

    def error(self, logs: Sequence[float]) -> tuple[float, int]:
        """Of the mean of these, and its degrees of freedom: 0 if nothing is known."""
        own = len(logs) - 1
        if own < 1 or not self.freedom:
            return 0.0, 0
        variance = statistics.variance(logs)
        if variance > strays(own) * self.of_logs**2:
            return math.sqrt(variance / len(logs)), own
        if self.worth is None:
            return math.sqrt(max(self.of_logs**2, variance) / len(logs)), self.freedom
        moderated = (self.worth * self.of_logs**2 + own * variance) / (self.worth + own)
        return math.sqrt(moderated / len(logs)), int(min(self.worth + own, self.freedom))

    def reach(self, logs: Sequence[float]) -> tuple[float, int]:
        """To either side of their mean, for 95 %."""
        error, freedom = self.error(logs)
        return (student(freedom) * error if freedom else math.inf), freedom


def learnt(all_logs: Iterable[Sequence[float]]) -> Scatter:
    """From the logarithms of each route's ratios by round."""
    known = [(statistics.variance(logs), len(logs) - 1) for logs in all_logs if len(logs) > 1]
    freedom = sum(own for _, own in known)
    pooled = sum(variance * own for variance, own in known) / freedom if freedom else 0.0
    least = statistics.median(variance for variance, _ in known) * _LEAST if known else 0.0
    if len(known) < FEWEST_ROUTES or least <= 0:
        return Scatter(math.sqrt(pooled), freedom)
    logs = [math.log(max(variance, least)) - digamma(own / 2) + math.log(own / 2) for variance, own in known]
    spread = statistics.variance(logs) - statistics.fmean(trigamma(own / 2) for _, own in known)
    if spread <= 0:  # no more than chance makes of equal ones
        return Scatter(math.sqrt(pooled), freedom, float(freedom))
    worth = 2 * trigamma_inverse(spread)
    usual = math.exp(statistics.fmean(logs) + digamma(worth / 2) - math.log(worth / 2))
    return Scatter(math.sqrt(usual), freedom, min(worth, float(freedom)))


def strays(freedom: int) -> float:
    """Times the usual variance: as much shows one in a thousand of equal ones (Wilson and Hilferty's χ²)."""
    ninth = 2 / (9 * freedom)
    return (1 - ninth + 3.09 * math.sqrt(ninth)) ** 3


def digamma(x: float) -> float:
    """The derivative of the Gamma function's logarithm, for x > 0."""
    found = 0.0
    while x < 10:
        found -= 1 / x
        x += 1
    square = 1 / (x * x)
    return found + math.log(x) - 0.5 / x - square * (1 / 12 - square * (1 / 120 - square / 252))


def trigamma(x: float) -> float:
    """The derivative of that."""
    found = 0.0
    while x < 10:
        found += 1 / (x * x)
        x += 1
    square = 1 / (x * x)
    return found + 1 / x + square / 2 + square / x * (1 / 6 - square * (1 / 30 - square / 42))


def trigamma_inverse(y: float) -> float:
    """Where trigamma is y > 0; it falls steadily."""
    low, high = 1e-6, 1e9
    for _ in range(200):
        middle = math.sqrt(low * high)
        if trigamma(middle) > y:
            low = middle
        else:
            high = middle
    return math.sqrt(low * high)
