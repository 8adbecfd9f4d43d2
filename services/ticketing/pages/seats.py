"""The seat map as the page draws it: decks of rows of cells, and what each class costs."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LIES_DOWN: Final = "sleeper"
"""The class whose seats are drawn long."""


def decks_of(seats: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each deck as rows of cells, where None is an aisle or a gap."""
    classes = {each["code"]: (index, each["name"]) for index, each in enumerate(seats["classes"], 1)}
    decks = []
    for deck in seats["decks"]:
        own = sorted(
            (seat for seat in seats["seats"] if seat["deck"] == deck["deck"]),
            key=itemgetter("row", "column"),
        )
        rows = []
        for _, cells in groupby(own, key=itemgetter("row")):
            by_column = {seat["column"]: _cell(seat, *classes[seat["class"]]) for seat in cells}
            rows.append([by_column.get(column) for column in range(1, deck["columns"] + 1)])
        decks.append({"deck": deck["deck"], "rows": rows})
    return decks


def classes_of(seats: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each class with its name, its price on the stretch and how many of its seats are left."""
    found = []
    for each in seats["classes"]:
        own = [seat for seat in seats["seats"] if seat["class"] == each["code"]]
        if own:
            left = sum(seat["state"] == "free" for seat in own)
            found.append({"name": each["name"], "price": own[0]["price"], "left": left})
    return found


def _cell(seat: Mapping[str, Any], index: int, class_name: str) -> dict[str, Any]:
    return {
        **seat,
        "class_name": class_name,
        "class_index": index,
        "is_sleeper": seat["class"] == LIES_DOWN,
    }
