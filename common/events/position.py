"""How far a reader of the outbox has come, where numbers are given out before they are committed.

A number that is not there yet is a gap: its transaction may still commit, or was rolled back. The gap is
over when its row comes, or when every transaction that ran when the gap was noticed has ended. No long
transaction of anybody else holds anything up: what is there is taken at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers first to last; `until` is the transaction id before which all must have ended."""

    first: int
    last: int
    until: int


@dataclass(slots=True)
class Position:
    """`last` is the highest number seen; everything up to `low` has been seen or will never come."""

    last: int
    gaps: list[Gap] = field(default_factory=list)

    @property
    def low(self) -> int:
        return self.gaps[0].first - 1 if self.gaps else self.last

    def leaves_gap(self, seqs: Sequence[int]) -> bool:
        """Whether numbers, in order, leave some out after `last`."""
        ahead = [seq for seq in seqs if seq > self.last]
        return bool(ahead) and ahead[-1] - self.last > len(ahead)

    def advance(self, seqs: Iterable[int], *, xmin: int, beyond: int) -> None:
        """Note what one snapshot showed: all numbers above `last`, or the next of them, and those in gaps.

        `xmin` is the snapshot's: the oldest transaction that ran. `beyond` is higher than the id of whatever
        had one at the snapshot: not the snapshot's xmax, which is about what has ended, not what has begun.
        """
        seen = sorted(seqs)
        filled = [seq for seq in seen if seq <= self.last]
        gaps = [gap for gap in self.gaps if gap.until > xmin]
        if filled:
            gaps = [part for gap in gaps for part in _without(gap, filled)]
        for seq in seen:
            if seq > self.last:
                if seq > self.last + 1:
                    gaps.append(Gap(self.last + 1, seq - 1, beyond))
                self.last = seq
        self.gaps = gaps


def _without(gap: Gap, filled: Iterable[int]) -> Iterable[Gap]:
    first = gap.first
    for seq in filled:
        if first <= seq <= gap.last:
            if seq > first:
                yield Gap(first, seq - 1, gap.until)
            first = seq + 1
    if first <= gap.last:
        yield Gap(first, gap.last, gap.until)
