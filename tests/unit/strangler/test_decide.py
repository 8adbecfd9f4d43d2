from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.routing.decide import LAST_BUCKET, Key, bucket, compile_route, decide, salt_of
from strangler.routing.flags import Cohort, Flag
from tests.unit.strangler.tables import at_any_speed, declared
from tests.unit.strangler.test_flags import flags

if TYPE_CHECKING:
    from strangler.routing.decide import CompiledRoute

ASHA = Key(user="asha", client="c-1", role="passenger", company=None, cohort_header=None)
RAVI = Key(user="ravi", client="c-1", role="operator", company="redline", cohort_header=None)
GUEST = Key(user=None, client="10.0.0.7", role=None, company=None, cohort_header=None)
NOBODY = Key(None, None, None, None, None)

texts = st.none() | st.text(max_size=20)
keys = st.builds(Key, texts, texts, texts, texts, texts)


def compiled(flag: Flag, route: str = "GET /api/search") -> CompiledRoute:
    return compile_route(declared().find(route), flag)


def split(percent: float, sticky="user", **cohort: Any) -> Flag:
    return Flag("split", round(percent * 100), sticky, Cohort(**cohort))


TABLE = [
    # flag, who, draw, side
    (Flag(), ASHA, 0.0, "legacy"),
    (Flag("legacy", 10_000, cohort=Cohort(users=frozenset({"asha"}))), ASHA, 0.0, "legacy"),
    (Flag("service"), ASHA, 0.99, "service"),
    (Flag("service"), NOBODY, 0.99, "service"),
    (split(0), ASHA, 0.0, "legacy"),
    (split(100), NOBODY, 0.99, "service"),
    (split(99.99), NOBODY, 0.0, "legacy"),
    (split(0, users=frozenset({"asha"})), ASHA, 0.9, "service"),
    (split(0, users=frozenset({"asha"})), RAVI, 0.0, "legacy"),
    (split(0, roles=frozenset({"operator"})), RAVI, 0.9, "service"),
    (split(0, roles=frozenset({"operator"})), GUEST, 0.0, "legacy"),
    (split(0, companies=frozenset({"redline"})), RAVI, 0.9, "service"),
    (split(0, header="qa"), GUEST._replace(cohort_header="qa"), 0.9, "service"),
    (split(0, header="qa"), GUEST._replace(cohort_header="QA"), 0.0, "legacy"),
    (split(0, header="qa"), GUEST, 0.0, "legacy"),
    (split(50, "none"), ASHA, 0.4999, "service"),
    (split(50, "none"), ASHA, 0.5, "legacy"),
    (split(0.01, "none"), NOBODY, 0.00009, "service"),
    (split(0.01, "none"), NOBODY, 0.0001, "legacy"),
]


@pytest.mark.parametrize(("flag", "key", "draw", "side"), TABLE)
def test_the_side_is_as_the_table_says(flag, key, draw, side):
    assert decide(compiled(flag), key, lambda: draw) == side


@at_any_speed
@given(flags, keys, st.floats(0, 1, exclude_max=True))
def test_there_is_always_a_side(flag: Flag, key: Key, draw: float):
    assert decide(compiled(flag), key, lambda: draw) in {"legacy", "service"}


@at_any_speed
@given(keys, st.sampled_from(["user", "client"]), st.lists(st.integers(0, 10_000), min_size=2).map(sorted))
def test_a_growing_share_only_ever_adds(key: Key, sticky, shares: list[int]):
    sides = [decide(compiled(Flag("split", share, sticky)), key) for share in shares]
    assert all(not (a == "service" and b == "legacy") for a, b in pairwise(sides))


@at_any_speed
@given(flags.filter(lambda flag: flag.sticky != "none"), keys)
def test_one_person_gets_one_side_as_long_as_the_flag_stays(flag: Flag, key: Key):
    assert len({decide(compiled(flag), key) for _ in range(5)}) == 1


@at_any_speed
@given(st.integers(0, 10_000), keys)
def test_a_journey_through_a_domain_stays_on_one_side(share: int, key: Key):
    flag = Flag("split", share)
    journey = ("GET /", "GET /api/search", "GET /api/trips/{id}/seats", "GET /api/bookings/{id}")
    assert len({decide(compiled(flag, route), key) for route in journey}) == 1


def test_the_first_to_move_in_one_domain_are_not_the_first_in_another():
    in_ticketing = {n for n in range(2000) if bucket(salt_of("ticketing"), f"user-{n}") < 1000}
    in_payment = {n for n in range(2000) if bucket(salt_of("payment"), f"user-{n}") < 1000}
    assert 5 < len(in_ticketing & in_payment) < 50  # 20 by chance, 200 if they were the same


def test_a_share_is_that_share_of_people():
    hits = sum(
        decide(compiled(split(12.5)), ASHA._replace(user=f"user-{n}")) == "service" for n in range(20_000)
    )
    assert 2300 < hits < 2700


def test_buckets_stay_what_they_are_across_versions():
    """A change here would move people who are in the middle of something."""
    assert [bucket(salt_of("ticketing"), who) for who in ("asha", "ravi", "अशा")] == [8972, 3228, 1291]


def test_sticky_by_user_falls_back_to_the_client_and_by_client_to_the_user():
    salt = salt_of("ticketing")
    share = bucket(salt, "10.0.0.7") + 1
    assert decide(compiled(Flag("split", share)), GUEST) == "service"
    assert decide(compiled(Flag("split", share - 1)), GUEST) == "legacy"
    share = bucket(salt, "asha") + 1
    assert decide(compiled(Flag("split", share, "client")), ASHA._replace(client=None)) == "service"
    assert decide(compiled(Flag("split", share - 1, "client")), ASHA._replace(client=None)) == "legacy"


def test_who_cannot_be_told_apart_moves_last():
    assert bucket(salt_of("ticketing"), None) == bucket(salt_of("ticketing"), "") == LAST_BUCKET


def test_only_a_flag_that_is_not_sticky_draws():
    def refuse() -> float:
        raise AssertionError

    assert decide(compiled(split(50)), ASHA, refuse) in {"legacy", "service"}
    with pytest.raises(AssertionError):
        decide(compiled(split(50, "none")), ASHA, refuse)
