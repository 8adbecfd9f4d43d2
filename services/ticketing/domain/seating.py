"""A bus's seats, what they cost on a stretch, and which classes have some left: rules without I/O."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from services.ticketing.domain.fares import share

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Seat:
    name: str
    deck: str
    row: int
    column: int
    seat_class: str


@dataclass(frozen=True, slots=True)
class Seating:
    """A layout as selling needs it; it never changes. `percents` is of each class, cheapest first."""

    decks: tuple[Mapping[str, Any], ...]
    classes: tuple[Mapping[str, Any], ...]
    seats: Mapping[str, Seat]
    percents: Mapping[str, int]
    per_class: Mapping[str, int]

    @classmethod
    def of(
        cls,
        decks: Sequence[Mapping[str, Any]],
        classes: Sequence[Mapping[str, Any]],
        seats: Sequence[Mapping[str, Any]],
    ) -> Seating:
        """From a layout's three documents."""
        by_name = {
            each["seat"]: Seat(each["seat"], each["deck"], each["row"], each["column"], each["class"])
            for each in seats
        }
        per_class = Counter(seat.seat_class for seat in by_name.values())
        used = [each for each in classes if each["code"] in per_class]
        cheapest_first = sorted(used, key=itemgetter("fare_percent", "code"))
        return cls(
            tuple(decks),
            tuple(classes),
            by_name,
            {each["code"]: each["fare_percent"] for each in cheapest_first},
            per_class,
        )

    @property
    def capacity(self) -> int:
        return len(self.seats)

    def price(self, code: str, sum_from: int, sum_to: int, step: int) -> int:
        """What a class costs between two stops, by their `fare_sum_minor`."""
        return share(sum_to - sum_from, self.percents[code], step)

    def prices(self, sum_from: int, sum_to: int, step: int) -> dict[str, int]:
        """The price of each class, cheapest first."""
        return {code: self.price(code, sum_from, sum_to, step) for code in self.percents}

    def free(self, taken: Collection[str]) -> dict[str, int]:
        """How many seats each class has left when these are taken, of those that have any; cheapest first.

        A seat may be named several times: it is taken once.
        """
        left = {code: self.per_class[code] for code in self.percents}
        for name in self.seats.keys() & taken:
            left[self.seats[name].seat_class] -= 1
        return {code: count for code, count in left.items() if count > 0}
