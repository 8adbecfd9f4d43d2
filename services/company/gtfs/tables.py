"""One file of a feed as records: CSV as GTFS has it, each fault with its line and column."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, TypeVar

from services.company.gtfs.problems import FeedError
from services.company.gtfs.times import parse_date, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from services.company.gtfs.archive import Archive
    from services.company.gtfs.problems import Faults

LONGEST_FIELD = 2000
PROGRESS_EVERY = 2000

_Value = TypeVar("_Value")


class Table:
    """Iterate it: each record is its line number and its fields, as many as the header has columns."""

    def __init__(
        self,
        archive: Archive,
        name: str,
        required: tuple[str, ...],
        faults: Faults,
        progress: Callable[[int], None],
    ) -> None:
        """Raises FeedError if a required column is not there."""
        self.name = name
        self._archive = archive
        self._faults = faults
        self._progress = progress
        self._reader = csv.reader(archive.open_text(name), strict=True)
        csv.field_size_limit(LONGEST_FIELD * 8)
        header = [column.strip().lower() for column in self._next() or []]
        self.columns = {column: index for index, column in reversed(list(enumerate(header))) if column}
        self._width = len(header)
        for column in required:
            if column not in self.columns:
                faults.add(name, 1, column, "The file lacks this column.")
        faults.stop_if_any()

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        told = 0
        width = self._width
        while (fields := self._next()) is not None:
            line = self._reader.line_num
            if line - told >= PROGRESS_EVERY:
                self._progress(line - told)
                told = line
            if len(fields) != width:
                if not fields or fields == [""]:
                    continue
                if len(fields) > width and any(field.strip() for field in fields[width:]):
                    message = f"The line has {len(fields)} fields, the header {width}."
                    self._faults.add(self.name, line, "", message)
                    continue
                fields = (fields + [""] * width)[:width]
            yield line, fields
        self._progress(self._reader.line_num - told)

    def fault(self, line: int, column: str, message: str) -> None:
        """Note what is wrong with a field."""
        self._faults.add(self.name, line, column, message)

    def field(self, fields: list[str], column: str) -> str:
        """A field without blanks around it; empty if the file has no such column."""
        index = self.columns.get(column)
        return "" if index is None else fields[index].strip()

    def text(self, line: int, fields: list[str], column: str, *, longest: int = 255) -> str:
        """Like `field`; a fault is noted if the database could not hold it, or a screen could not show it."""
        value = self.field(fields, column)
        if len(value) > longest:
            self.fault(line, column, f"This is longer than {longest} characters.")
            return value[:longest]
        if not value.isprintable():
            value = " ".join("".join(c if c.isprintable() else " " for c in value).split())
        return value

    def needed(self, line: int, fields: list[str], column: str, *, longest: int = 255) -> str:
        """Like `text`, where nothing is a fault too."""
        value = self.text(line, fields, column, longest=longest)
        if not value:
            self.fault(line, column, "A value is needed here.")
        return value

    def date_of(self, line: int, fields: list[str], column: str) -> date | None:
        """A date that is needed; None after a fault."""
        return self._read(line, fields, column, parse_date)

    def time_of(self, line: int, fields: list[str], column: str) -> int | None:
        """A time that is needed, in seconds from noon minus 12 h; None after a fault."""
        return self._read(line, fields, column, parse_time)

    def _read(
        self, line: int, fields: list[str], column: str, parse: Callable[[str], _Value]
    ) -> _Value | None:
        text = self.needed(line, fields, column)
        if not text:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.fault(line, column, f"{error}.")
            return None

    def _next(self) -> list[str] | None:
        try:
            return next(self._reader, None)
        except UnicodeDecodeError:
            line = self._archive.first_line_not_utf8(self.name)
            message = "This line is not UTF-8."
        except csv.Error as error:
            line = self._reader.line_num
            message = f"This is no CSV: {error}."
        self._faults.add(self.name, line, "", message)
        raise FeedError(self._faults.errors)
