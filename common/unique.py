"""What a unique constraint refuses, said by name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Generator

    from common.problems import Problem


@contextmanager
def unique_or(problem: Problem) -> Generator[None]:
    """Raise the problem if a row that the block wrote was not the only one of its kind.

    It goes around the transaction, not into it: PostgreSQL has given up the transaction by then.
    """
    try:
        yield
    except asyncpg.UniqueViolationError:
        raise problem from None
