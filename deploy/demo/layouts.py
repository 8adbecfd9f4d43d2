"""The demo's buses: a 2+1 sleeper with two decks, a 2+2 seater, and seats below berths."""

from __future__ import annotations

from typing import Any, NamedTuple

SLEEPER = {"code": "sleeper", "name": "Sleeper", "fare_percent": 140}
SEATER = {"code": "seater", "name": "Seater", "fare_percent": 100}
FRONT = {"code": "front", "name": "Front row", "fare_percent": 115}


class Plan(NamedTuple):
    """A layout before it belongs to a company."""

    name: str
    decks: list[dict[str, Any]]
    classes: list[dict[str, Any]]
    seats: list[dict[str, Any]]


def _grid(
    prefix: str, deck: str, rows: int, columns: tuple[int, ...], class_of_row: dict[int, str], otherwise: str
) -> list[dict[str, Any]]:
    """Seats in rows, numbered through; `columns` leaves out the aisle."""
    return [
        {
            "seat": f"{prefix}{(row - 1) * len(columns) + place}",
            "deck": deck,
            "row": row,
            "column": column,
            "class": class_of_row.get(row, otherwise),
        }
        for row in range(1, rows + 1)
        for place, column in enumerate(columns, start=1)
    ]


def plans() -> list[Plan]:
    """The three layouts that every demo company has."""
    sleeper = _grid("L", "lower", 6, (1, 3, 4), {}, "sleeper") + _grid(
        "U", "upper", 6, (1, 3, 4), {}, "sleeper"
    )
    seater = [
        {
            "seat": f"{row}{letter}",
            "deck": "lower",
            "row": row,
            "column": column,
            "class": "front" if row == 1 else "seater",
        }
        for row in range(1, 12)
        for letter, column in zip("ABCD", (1, 2, 4, 5), strict=True)
    ]
    mixed = _grid("S", "lower", 8, (1, 2, 4, 5), {}, "seater") + _grid(
        "U", "upper", 6, (1, 3, 4), {}, "sleeper"
    )
    two_decks = [{"deck": "lower", "rows": 6, "columns": 4}, {"deck": "upper", "rows": 6, "columns": 4}]
    return [
        Plan("2+1 sleeper", two_decks, [SLEEPER], sleeper),
        Plan("2+2 seater", [{"deck": "lower", "rows": 11, "columns": 5}], [FRONT, SEATER], seater),
        Plan(
            "Seats below, berths above",
            [{"deck": "lower", "rows": 8, "columns": 5}, {"deck": "upper", "rows": 6, "columns": 4}],
            [SEATER, SLEEPER],
            mixed,
        ),
    ]
