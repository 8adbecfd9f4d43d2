"""Which part of a stack waits for which, and how long a crashed one is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.parts import BadGraph, Step, in_order, only
from deploy.local.supervisor import RestartRule


async def nothing(_spawner):
    """A step without work."""


def step(name: str, *needs: str) -> Step:
    return Step(name, nothing, needs)


def names(parts) -> list[str]:
    return [part.name for part in parts]


def test_a_part_comes_after_what_it_needs():
    assert names(in_order([step("page", "app"), step("app", "database"), step("database")])) == [
        "database",
        "app",
        "page",
    ]


@given(st.data())
def test_any_graph_without_a_circle_is_put_in_order(data):
    count = data.draw(st.integers(1, 12))
    edges = {n: data.draw(st.sets(st.integers(0, n - 1), max_size=3)) if n else set() for n in range(count)}
    parts = [step(str(n), *map(str, needs)) for n, needs in edges.items()]
    ordered = names(in_order(data.draw(st.permutations(parts))))
    assert sorted(ordered) == sorted(map(str, range(count)))
    assert all(
        ordered.index(str(need)) < ordered.index(str(n)) for n, needs in edges.items() for need in needs
    )


def test_a_circle_is_refused_by_name():
    with pytest.raises(BadGraph, match="a, b"):
        in_order([step("a", "b"), step("b", "a"), step("c")])


def test_a_need_that_is_not_there_is_refused_by_name():
    with pytest.raises(BadGraph, match="app needs databse"):
        in_order([step("app", "databse")])


def test_choosing_a_part_chooses_what_it_needs():
    parts = [step("database"), step("cache"), step("app", "database"), step("page", "app")]
    assert names(only(parts, ["app"])) == ["database", "app"]


def test_choosing_an_unknown_part_lists_the_known_ones():
    with pytest.raises(BadGraph, match="postgre is not part of the stack; there are: postgres"):
        only([step("postgres")], ["postgre"])


def test_pauses_double_up_to_a_cap():
    rule = RestartRule(first_s=0.5, cap_s=30)
    assert [rule.pause(n) for n in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


@given(st.integers(0, 10**9))
def test_a_pause_is_never_longer_than_the_cap_nor_nothing(failures):
    assert 0.5 <= RestartRule().pause(failures) <= 30
