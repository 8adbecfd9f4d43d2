"""Percentiles, wherever a load or a benchmark has some: one meaning for all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of sorted values: the smallest that at least this share of them does not exceed (nearest rank).

    It is a value that was measured; 0.5 is the median's share, 1 the largest's.
    """
    rank = math.ceil(share * len(ordered) - 1e-9)  # 0.07 x 100 is above 7 in binary
    return ordered[min(max(rank, 1), len(ordered)) - 1]
