"""What makes a seat layout one that a bus can have: rules without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Errors = dict[str, list[str]]


def layout_errors(
    decks: Sequence[Mapping[str, Any]],
    classes: Sequence[Mapping[str, Any]],
    seats: Sequence[Mapping[str, Any]],
) -> Errors:
    """What is wrong with a layout whose parts are each well formed, by dotted path; empty if nothing is.

    Each deck and class once; seats have names of their own, a known class, and a cell of their deck's grid
    that no other seat has.
    """
    errors: Errors = {}
    for index, name in _repeated(deck["deck"] for deck in decks):
        errors[f"decks.{index}.deck"] = [f"The deck {name} is described twice."]
    for index, code in _repeated(seat_class["code"] for seat_class in classes):
        errors[f"classes.{index}.code"] = [f"The class {code} is described twice."]
    for index, name in _repeated(seat["seat"] for seat in seats):
        errors[f"seats.{index}.seat"] = [f"There are two seats {name}."]

    grids = {deck["deck"]: (deck["rows"], deck["columns"]) for deck in decks}
    codes = {seat_class["code"] for seat_class in classes}
    taken: dict[tuple[str, int, int], str] = {}
    for index, seat in enumerate(seats):
        if seat["class"] not in codes:
            errors[f"seats.{index}.class"] = [f"There is no class {seat['class']}."]
        if seat["deck"] not in grids:
            errors[f"seats.{index}.deck"] = [f"There is no deck {seat['deck']}."]
            continue
        rows, columns = grids[seat["deck"]]
        if not 1 <= seat["row"] <= rows:
            errors[f"seats.{index}.row"] = [f"The {seat['deck']} deck has rows 1 to {rows}."]
        if not 1 <= seat["column"] <= columns:
            errors[f"seats.{index}.column"] = [f"The {seat['deck']} deck has columns 1 to {columns}."]
        other = taken.setdefault((seat["deck"], seat["row"], seat["column"]), seat["seat"])
        if other != seat["seat"]:
            errors.setdefault(f"seats.{index}.row", []).append(f"Seat {other} is in this cell already.")
    return errors


def lacking_seats(sold: Iterable[str], layout_seats: Iterable[Mapping[str, Any]]) -> list[str]:
    """Those of the sold seats that the layout does not have, in order."""
    return sorted(set(sold) - {seat["seat"] for seat in layout_seats})


def _repeated(names: Iterable[str]) -> list[tuple[int, str]]:
    seen: set[str] = set()
    again = []
    for index, name in enumerate(names):
        if name in seen:
            again.append((index, name))
        seen.add(name)
    return again


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A deck of equal rows: so many seats to the left and to the right of the aisle, all of one class."""

    deck: str
    left: int
    right: int
    rows: int
    class_code: str
    class_name: str
    fare_percent: int


def arrange(name: str, arrangements: Sequence[Arrangement]) -> dict[str, Any]:
    """A layout from its decks; seats are called by row and letter, letters going on from deck to deck."""
    letters = iter("ABCDEFGHJKLM")
    seats = []
    for each in arrangements:
        columns = [*range(1, each.left + 1), *range(each.left + 2, each.left + each.right + 2)]
        named = [(next(letters), column) for column in columns]
        seats += [
            {
                "seat": f"{row}{letter}",
                "deck": each.deck,
                "row": row,
                "column": column,
                "class": each.class_code,
            }
            for row in range(1, each.rows + 1)
            for letter, column in named
        ]
    classes = {
        each.class_code: {"code": each.class_code, "name": each.class_name, "fare_percent": each.fare_percent}
        for each in arrangements
    }
    decks = [
        {"deck": each.deck, "rows": each.rows, "columns": each.left + 1 + each.right} for each in arrangements
    ]
    return {"name": name, "decks": decks, "classes": list(classes.values()), "seats": seats}
