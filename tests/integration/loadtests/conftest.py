"""A site with demo data, shared by whatever makes load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import stack as stacks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stack import RunningStack


@pytest.fixture(autouse=True)  # ruff: ignore[pytest-fixture-autouse] — each of them makes load
def alone_on_the_site() -> Iterator[None]:
    """The other worker's test waits: what is held, delayed and scanned here would be missing there."""
    with stacks.one_at_a_time("demo-load"):
        yield


@pytest.fixture(scope="session")
def demo_stack() -> RunningStack:
    """The monolith with demo data; whoever uses it books, pays and checks in there."""
    return stacks.shared_stack("demo", "--side", "legacy")
