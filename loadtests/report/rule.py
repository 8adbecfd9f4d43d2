"""The rule by which a ratio of service over legacy becomes a word. Lower is better: latencies and CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from loadtests.report.intervals import Ratio

Word = Literal["better", "same", "worse", "unsure"]

WORDS: Final[tuple[Word, ...]] = ("better", "same", "worse", "unsure")
SIGNS: Final[dict[Word, str]] = {"better": "▼", "same": "=", "worse": "▲", "unsure": "?"}
NONE: Final = "\N{EN DASH}"
TIMES: Final = "\N{MULTIPLICATION SIGN}"
LEAST_EFFECT: Final = 0.03
MARGIN: Final = 0.10
TOO_MANY_FAILED: Final = 0.01


def percent(part: float) -> str:
    return f"{part * 100:g} %"


TEXT: Final = (
    "Better: the whole 95 % interval of service ÷ legacy is below 1, "
    f"and the effect is at least {percent(LEAST_EFFECT)}. "
    "Worse: the same above 1. "
    f"Same: the interval lies within ±{percent(MARGIN)} of 1. "
    "Unsure: the interval is too wide to say, or there is none. "
    "An interval is learnt from the rounds of a route, its scatter moderated by that of all routes. "
    f"Where a side failed more than {percent(TOO_MANY_FAILED)} of a route's requests nothing is compared. "
    "Of forty ratios that are truly 1, two intervals miss it by chance."
)


def judge(ratio: Ratio | None) -> Word:
    if ratio is None or ratio.low is None or ratio.high is None:
        return "unsure"
    if ratio.high < 1 and ratio.value <= 1 - LEAST_EFFECT:
        return "better"
    if ratio.low > 1 and ratio.value >= 1 + LEAST_EFFECT:
        return "worse"
    if ratio.low >= 1 - MARGIN and ratio.high <= 1 + MARGIN:
        return "same"
    return "unsure"


def text(ratio: Ratio | None) -> str:
    """The ratio with its interval, in figures alone."""
    if ratio is None:
        return NONE
    if ratio.low is None or ratio.high is None:
        return f"{number(ratio.value)} (no interval)"
    return f"{number(ratio.value)} ({number(ratio.low)}{NONE}{number(ratio.high)})"


def number(value: float) -> str:
    """Three figures of a ratio or an amount, a point and no thousands before 10 000."""
    if value >= 10_000:
        return f"{value:,.0f}".replace(",", " ")
    if value >= 100:
        return f"{value:.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"
