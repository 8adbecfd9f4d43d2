from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.routing.flags import (
    Cohort,
    Flag,
    FlagError,
    Guard,
    dump_flag,
    flag_document,
    parse_flag,
    read_flag,
)
from tests.unit.strangler.tables import at_any_speed

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.frozensets(st.text(min_size=1, max_size=12), max_size=3)
cohorts = st.builds(Cohort, names, names, names, st.none() | st.sampled_from(["testers", "qa team"]))
limits = st.none() | st.floats(0.5, 100)
guards = st.builds(Guard, st.floats(0, 100), limits, limits, st.floats(1, 3600))
flags = st.builds(
    Flag,
    st.sampled_from(["legacy", "service", "split"]),
    st.integers(0, 10_000),
    st.sampled_from(["user", "client", "none"]),
    cohorts,
    st.integers(0, 10_000),
    st.none() | guards,
)


@at_any_speed
@given(flags)
def test_a_flag_survives_being_stored(flag: Flag):
    assert read_flag(dump_flag(flag)) == flag
    assert parse_flag(flag_document(flag)) == flag


def fault_of(value) -> FlagError | None:
    try:
        parse_flag(value)
    except FlagError as error:
        return error
    return None


@at_any_speed
@given(json_values)
def test_whatever_json_comes_it_is_a_flag_or_a_fault_with_an_example(value):
    fault = fault_of(value)
    assert fault is None or (fault.key and fault.example and f"{fault.key}: {fault.reason}" in str(fault))


@at_any_speed
@given(st.dictionaries(st.sampled_from("mode percent sticky cohort shadow guard".split()), json_values))
def test_the_fault_is_sought_where_it_is(value):
    fault = fault_of({"mode": "split", "percent": 1, **value})
    assert fault is None or fault.key.partition(".")[0] in value


@pytest.mark.parametrize("percent", [0, 0.01, 0.1, 12.5, 33.33, 99.99, 100, 100.0, 0.29, 1.15, 64.1])
def test_a_percent_has_two_decimals(percent):
    flag = parse_flag({"mode": "split", "percent": percent})
    assert flag.share == round(percent * 100)
    assert flag_document(flag)["percent"] == percent


@pytest.mark.parametrize(
    ("document", "key", "reason"),
    [
        ({}, "mode", "is missing"),
        ([], "flag", "is not an object"),
        ({"mode": "both"}, "mode", "'both' is none of legacy, service, split"),
        ({"mode": ["split"]}, "mode", "is none of"),
        ({"mode": "split"}, "percent", "is missing, and there is no cohort"),
        ({"mode": "split", "percent": "5"}, "percent", "'5' is not a number"),
        ({"mode": "split", "percent": True}, "percent", "True is not a number"),
        ({"mode": "split", "percent": 100.01}, "percent", "is not between 0 and 100"),
        ({"mode": "split", "percent": -1}, "percent", "is not between 0 and 100"),
        ({"mode": "split", "percent": 0.125}, "percent", "more than two decimals"),
        ({"mode": "legacy", "sticky": "ip"}, "sticky", "'ip' is none of user, client, none"),
        ({"mode": "legacy", "percnt": 5}, "percnt", "did you mean 'percent'?"),
        ({"mode": "legacy", "cohort": []}, "cohort", "is not an object"),
        ({"mode": "legacy", "cohort": {"user": []}}, "cohort.user", "did you mean 'users'?"),
        ({"mode": "legacy", "cohort": {"users": "x"}}, "cohort.users", "is not a list of short texts"),
        ({"mode": "legacy", "cohort": {"roles": [""]}}, "cohort.roles", "is not a list of short texts"),
        ({"mode": "legacy", "cohort": {"users": ["x"] * 1001}}, "cohort.users", "beyond that use percent"),
        ({"mode": "legacy", "cohort": {"header": "a\nb"}}, "cohort.header", "cannot be a header's value"),
        ({"mode": "legacy", "cohort": {"header": 7}}, "cohort.header", "is not a short text"),
        ({"mode": "legacy", "shadow": 101}, "shadow", "is not between 0 and 100"),
        ({"mode": "legacy", "guard": {}}, "guard", "sets no limit"),
        ({"mode": "legacy", "guard": {"window_s": 5}}, "guard", "sets no limit"),
        ({"mode": "legacy", "guard": {"p99_ms": 0}}, "guard.p99_ms", "is not a number"),
        ({"mode": "legacy", "guard": {"errors_percent": 101}}, "guard.errors_percent", "is not a number"),
    ],
)
def test_a_fault_names_the_key_the_reason_and_an_example(document, key, reason):
    with pytest.raises(FlagError) as refused:
        parse_flag(document)
    assert refused.value.key == key
    assert reason in refused.value.reason
    assert "(for example " in str(refused.value)


def test_what_is_not_json_is_said_to_be_not_json():
    with pytest.raises(FlagError, match="is not JSON"):
        read_flag(b"\xff{")


@pytest.mark.parametrize(
    ("flag", "fixed", "text"),
    [
        (Flag(), "legacy", "legacy"),
        (Flag("service"), "service", "service"),
        (Flag("legacy", 5000, cohort=Cohort(roles=frozenset({"admin"}))), "legacy", "legacy"),
        (Flag("split", 10_000), "service", "split 100 %"),
        (Flag("split", 0), "legacy", "split 0 %"),
        (Flag("split", 1), None, "split 0.01 %"),
        (Flag("split", 1250), None, "split 12.5 %"),
        (Flag("split", 0, cohort=Cohort(header="qa")), None, "split 0 % + cohort"),
    ],
)
def test_a_flag_is_fixed_when_it_is_the_same_for_everybody(flag, fixed, text):
    assert flag.fixed == fixed
    assert str(flag) == text
