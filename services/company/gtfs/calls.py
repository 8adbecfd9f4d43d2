"""stop_times.txt: when trips call at which stops, with the times between timepoints filled in.

The file is by far the longest of a feed: its rows are kept as numbers in arrays, some 30 bytes each.
"""

from __future__ import annotations

from array import array
from itertools import accumulate, pairwise, starmap
from typing import TYPE_CHECKING, Final

from services.company.gtfs.distances import distance_km
from services.company.gtfs.feed import LEG_FARE, MOST_STOPS, Call
from services.company.gtfs.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.company.gtfs.feed import Options, Stop
    from services.company.gtfs.runs import Runs
    from services.company.gtfs.tables import Table

MOST_ROWS = 3_000_000
NONE: Final = -1

# A row's numbers, in this order; times are seconds, NONE where the feed leaves them open.
SEQUENCE, STOP, ARRIVAL, DEPARTURE, FARE, SERVED, LINE = range(7)
WIDTH: Final = 7


class Calls:
    """The rows of stop_times.txt by trip."""

    def __init__(self, table: Table, stops: Mapping[str, Stop | None], options: Options) -> None:
        self._table = table
        self._options = options
        self._stops = [stop for stop in stops.values() if stop is not None]
        self.has_fares = LEG_FARE in table.columns
        self._legs: dict[tuple[int, int], float] = {}
        self._rows: dict[str, array[int]] = {}
        self._travelled: dict[str, array[float]] = {}

    def add(self, trip_id: str, row: tuple[int, ...], travelled: float | None) -> None:
        """A row of a trip; `travelled` is shape_dist_traveled, if the file has that column."""
        rows = self._rows.get(trip_id)
        if rows is None:
            rows = self._rows[trip_id] = array("i")
        rows.extend(row)
        if travelled is not None:
            self._travelled.setdefault(trip_id, array("d")).append(travelled)

    def of_trip(self, trip_id: str) -> tuple[int, tuple[Call, ...] | None]:
        """When the trip starts, and its calls from there; None if it does not call at two stops.

        Faults are noted for times that go backwards or are missing at an end.
        """
        flat = self._rows.pop(trip_id, None)
        travelled = self._travelled.pop(trip_id, None)
        if flat is None:
            return 0, None
        rows = [flat[at : at + WIDTH] for at in range(0, len(flat), WIDTH)]
        far = list(travelled) if travelled is not None and len(travelled) == len(rows) else [-1.0] * len(rows)
        if any(first[SEQUENCE] >= second[SEQUENCE] for first, second in pairwise(rows)):
            order = sorted(range(len(rows)), key=lambda index: rows[index][SEQUENCE])
            rows, far = [rows[index] for index in order], [far[index] for index in order]
        if not self._in_order(rows):
            return 0, None
        self._fill_in(rows, far)
        served = [row for row in rows if row[SERVED]]
        if len(served) < 2:
            return 0, None
        if len(served) > MOST_STOPS:
            self._fault(served[0], "stop_sequence", f"The trip has more than {MOST_STOPS} stops.")
            return 0, None
        return served[0][DEPARTURE], self._way(served)

    def _in_order(self, rows: list[array[int]]) -> bool:
        """Whether the trip can be run as it is written."""
        fine = True
        for first, second in pairwise(rows):
            if first[SEQUENCE] == second[SEQUENCE]:
                self._fault(second, "stop_sequence", f"The trip has a stop {second[SEQUENCE]} already.")
                fine = False
        for row in (rows[0], rows[-1]):
            if row[ARRIVAL] == NONE:
                self._fault(row, "arrival_time", "The first and the last stop of a trip need their times.")
                fine = False
        left = NONE
        for row in rows:
            if row[ARRIVAL] == NONE:
                continue
            if row[ARRIVAL] < left:
                self._fault(row, "arrival_time", "The bus arrives before it left the stop before.")
                fine = False
            if row[DEPARTURE] < row[ARRIVAL]:
                self._fault(row, "departure_time", "The bus leaves before it arrives.")
                fine = False
            left = max(left, row[DEPARTURE])
        return fine

    def _fill_in(self, rows: list[array[int]], far: list[float]) -> None:
        """Give times to the stops between timepoints: by distance, or evenly where that says nothing."""
        known = [index for index, row in enumerate(rows) if row[ARRIVAL] != NONE]
        for start, end in pairwise(known):
            if end == start + 1:
                continue
            leaves, takes = rows[start][DEPARTURE], rows[end][ARRIVAL] - rows[start][DEPARTURE]
            shares = self._shares(rows[start : end + 1], far[start : end + 1])
            for row, share in zip(rows[start + 1 : end], shares, strict=True):
                row[ARRIVAL] = row[DEPARTURE] = leaves + int(takes * share)

    def _shares(self, rows: list[array[int]], far: list[float]) -> list[float]:
        """How much of the way between two timepoints is done at each stop between them."""
        if all(a >= 0 and b >= a for a, b in pairwise(far)) and far[-1] > far[0]:
            return [(at - far[0]) / (far[-1] - far[0]) for at in far[1:-1]]
        legs = list(starmap(self._between, pairwise(rows)))
        total = sum(legs)
        if total <= 0:
            return [number / len(legs) for number in range(1, len(legs))]
        return [done / total for done in accumulate(legs[:-1])]

    def _way(self, rows: Sequence[array[int]]) -> tuple[Call, ...]:
        start = rows[0][DEPARTURE]
        calls = [Call(self._stops[rows[0][STOP]].code, 0, 0, 0)]
        for before, row in pairwise(rows):
            fare = row[FARE] if row[FARE] != NONE else self._fare(before, row)
            stop = self._stops[row[STOP]].code
            calls.append(Call(stop, row[ARRIVAL] - start, row[DEPARTURE] - start, fare))
        return tuple(calls)

    def _fare(self, before: array[int], row: array[int]) -> int:
        if self._options.default_leg_fare is not None:
            return self._options.default_leg_fare
        return int(self._between(before, row) * self._options.fare_per_km + 0.5)

    def _between(self, first: array[int], second: array[int]) -> float:
        leg = first[STOP], second[STOP]
        known = self._legs.get(leg)
        if known is None:
            a, b = self._stops[leg[0]], self._stops[leg[1]]
            known = self._legs[leg] = distance_km(a.lat, a.lon, b.lat, b.lon)
        return known

    def _fault(self, row: array[int], column: str, message: str) -> None:
        self._table.fault(row[LINE], column, message)


class _Reader:
    """Turns lines of the file into rows of numbers."""

    def __init__(self, table: Table, stops: Mapping[str, Stop | None]) -> None:
        columns = table.columns
        self._table = table
        self._stops = stops
        self._indexes = {
            code: index for index, code in enumerate(code for code, stop in stops.items() if stop is not None)
        }
        self._times: dict[str, int] = {"": NONE}
        self._stop, self._sequence = columns["stop_id"], columns["stop_sequence"]
        self._arrival, self._departure = columns["arrival_time"], columns["departure_time"]
        self._travelled, self._fare = columns.get("shape_dist_traveled"), columns.get(LEG_FARE)
        self._pickup, self._drop_off = columns.get("pickup_type"), columns.get("drop_off_type")
        self._on_demand = "location_id" in columns or "location_group_id" in columns

    def row(self, line: int, fields: list[str]) -> tuple[int, ...] | None:
        """The row's numbers; None where no bus stops, or after a fault."""
        stop = self._indexes.get(stop_id := fields[self._stop].strip())
        if stop is None:
            if stop_id or not self._on_demand:
                self._no_stop(line, stop_id)
            return None
        sequence = fields[self._sequence].strip()
        if not (sequence.isascii() and sequence.isdigit() and len(sequence) <= 9):
            self._table.fault(line, "stop_sequence", f"{sequence!r} is no number of a stop.")
            return None
        arrival = _seconds(self._table, line, "arrival_time", fields[self._arrival].strip(), self._times)
        departure = _seconds(
            self._table, line, "departure_time", fields[self._departure].strip(), self._times
        )
        if arrival == NONE:
            arrival = departure
        elif departure == NONE:
            departure = arrival
        passes = (
            self._pickup is not None
            and self._drop_off is not None
            and fields[self._pickup].strip() == fields[self._drop_off].strip() == "1"
        )
        fare = NONE if self._fare is None else _fare(self._table, line, fields[self._fare].strip())
        return int(sequence), stop, arrival, departure, fare, 0 if passes else 1, line

    def travelled(self, fields: list[str]) -> float | None:
        """How far the bus has come, in the feed's own unit."""
        return None if self._travelled is None else _distance(fields[self._travelled].strip())

    def _no_stop(self, line: int, stop_id: str) -> None:
        if not stop_id:
            message = "A value is needed here."
        elif stop_id in self._stops:
            message = "No bus stops at a station or an entrance."
        else:
            message = f"There is no stop {stop_id}."
        self._table.fault(line, "stop_id", message)


def read_calls(
    table: Table,
    stops: Mapping[str, Stop | None],
    runs: Runs,
    options: Options,
) -> Calls:
    """Read the whole file for the trips that are ours; those that are passed over may be in it too.

    Rows without a stop, which are zones of a service on demand, are left out.
    """
    calls = Calls(table, stops, options)
    reader = _Reader(table, stops)
    wanted = runs.ours
    at_trip = table.columns["trip_id"]
    count = 0
    for line, fields in table:
        trip_id = fields[at_trip].strip()
        if trip_id not in wanted:
            if trip_id not in runs.passed_over:
                message = f"There is no trip {trip_id}." if trip_id else "A value is needed here."
                table.fault(line, "trip_id", message)
            continue
        row = reader.row(line, fields)
        if row is not None:
            calls.add(trip_id, row, reader.travelled(fields))
        count += 1
        if count > MOST_ROWS:
            table.fault(line, "trip_id", f"The feed has more than {MOST_ROWS} stop times.")
            break
    return calls


def _seconds(table: Table, line: int, column: str, text: str, times: dict[str, int]) -> int:
    """A time, looked up in those that were read before: a feed has thousands of rows at 08:00:00."""
    known = times.get(text)
    if known is not None:
        return known
    try:
        seconds = parse_time(text)
    except ValueError as error:
        table.fault(line, column, f"{error}.")
        return NONE
    times[text] = seconds
    return seconds


def _fare(table: Table, line: int, text: str) -> int:
    if not text:
        return NONE
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        table.fault(line, LEG_FARE, f"{text!r} is no amount in minor units.")
        return NONE
    return int(text)


def _distance(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0
