"""A generator that stays: orders are obeyed one after the other, and one that fails ends no other."""

from __future__ import annotations

from contextlib import closing

import pytest

from loadtests.compare import children
from loadtests.compare.attendant import Attendant

MODULE = ("tests.unit.loadtests.attending",)
WITHIN_S = 60


@pytest.fixture
def attendant():
    with closing(Attendant(module=MODULE)) as attendant:
        yield attendant


def obey(attendant, do, at_mark=lambda _line: None):
    return attendant.obey({"do": do}, within_s=WITHIN_S, at_mark=at_mark)


def test_orders_are_obeyed_by_the_same_process_which_tells_when_it_measures(attendant):
    marks = []
    assert obey(attendant, "well", at_mark=marks.append) == 1
    assert obey(attendant, "well", at_mark=marks.append) == 2
    assert marks == ["measuring", "measured"] * 2


def test_what_cannot_be_asked_is_told_and_the_next_order_is_obeyed(attendant):
    with pytest.raises(children.Failed, match="nobody is there"):
        obey(attendant, "not")
    with pytest.raises(children.NotOffered, match="no such route"):
        obey(attendant, "else")
    assert obey(attendant, "well") == 3


def test_one_that_died_is_quoted_and_begins_anew(attendant):
    with pytest.raises(children.Failed, match="it was too much"):
        obey(attendant, "die")
    assert obey(attendant, "well") == 1


def test_one_that_is_silent_for_too_long_is_ended_and_begins_anew(attendant):
    with pytest.raises(children.Failed, match="no answer within 0 s"):
        attendant.obey({"do": "nothing"}, within_s=0.2)
    assert obey(attendant, "well") == 1
