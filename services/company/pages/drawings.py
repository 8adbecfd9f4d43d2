"""Seat layouts as drawings: where each seat lies on a plan of the bus that drives to the left. Pure.

Rows run along the bus and columns across it, the first at the bottom, which is the driver's left side. A
template makes SVG of it; numbers are its units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CELL = 24
SEAT = 20
EDGE = 6
CAB = 30
BERTH = "sleeper"


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat's upper left corner; `shade` is the number of its class, from 0."""

    name: str
    x: int
    y: int
    shade: int
    is_berth: bool


@dataclass(frozen=True, slots=True)
class Deck:
    """A deck's plan. The lower one, or the only one, has the driver's cab."""

    name: str
    width: int
    height: int
    wheel: tuple[int, int] | None
    seats: tuple[Seat, ...]


def draw(layout: Mapping[str, Any]) -> tuple[Deck, ...]:
    """The plans of a layout's decks, in its order."""
    shades = {each["code"]: number for number, each in enumerate(layout["classes"])}
    names = [deck["deck"] for deck in layout["decks"]]
    cab_on = "lower" if "lower" in names else names[0]
    return tuple(
        _draw_deck(deck, layout["seats"], shades, has_cab=deck["deck"] == cab_on) for deck in layout["decks"]
    )


def _draw_deck(
    deck: Mapping[str, Any],
    seats: Sequence[Mapping[str, Any]],
    shades: Mapping[str, int],
    *,
    has_cab: bool,
) -> Deck:
    front = EDGE + (CAB if has_cab else 0)
    inset = (CELL - SEAT) // 2
    height = 2 * EDGE + deck["columns"] * CELL
    return Deck(
        deck["deck"],
        front + deck["rows"] * CELL + EDGE,
        height,
        (EDGE + CAB // 2, EDGE + CELL // 2 + inset) if has_cab else None,
        tuple(
            Seat(
                seat["seat"],
                front + (seat["row"] - 1) * CELL + inset,
                EDGE + (deck["columns"] - seat["column"]) * CELL + inset,
                shades.get(seat["class"], 0),
                seat["class"].startswith(BERTH),
            )
            for seat in seats
            if seat["deck"] == deck["deck"]
        ),
    )
