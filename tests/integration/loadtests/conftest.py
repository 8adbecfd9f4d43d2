"""A site with demo data, shared by whatever makes load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import stack as stacks

if TYPE_CHECKING:
    from tests.stack import RunningStack


@pytest.fixture(scope="session")
def demo_stack() -> RunningStack:
    """The monolith with demo data; whoever uses it books, pays and checks in there."""
    return stacks.shared_stack("demo", "--side", "legacy")
