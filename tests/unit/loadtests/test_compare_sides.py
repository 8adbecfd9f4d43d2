"""Which reads may be split while a load writes, and when everything is on one side."""

from __future__ import annotations

import pytest

from loadtests.compare.refusals import Refused
from loadtests.compare.sides import HALF, READ_ON_BOTH, ROUTES_FILE, groups_written, side_of, split_reads
from strangler.routing.flags import Flag, dump_flag
from strangler.routing.snapshot import FlagTable, Group, dump_group
from strangler.routing.table import load_table

TABLE = load_table(ROUTES_FILE)
SCENARIO = {
    "GET /api/search",
    "POST /api/auth/login",
    "POST /api/bookings",
    "POST /api/payments/{id}/confirm",
    "POST /api/check-ins",
}
READS = [route.name for route in TABLE.routes if route.group is None]


def stored(*, flags=None, owners=None):
    return FlagTable(
        7,
        "lineage",
        {name: dump_flag(flag) for name, flag in (flags or {}).items()},
        {name: dump_group(Group(side, 1)) for name, side in (owners or {}).items()},
    )


def test_the_groups_are_those_of_the_routes_that_were_asked():
    assert groups_written(TABLE, SCENARIO) == {"sessions", "bookings", "payments", "checkins"}


def test_a_read_is_split_only_if_nothing_it_depends_on_is_written():
    split = split_reads(TABLE, {"sessions", "bookings", "payments", "checkins"})
    for name in split:
        written = set(TABLE.by_name[name].depends) & {"sessions", "bookings", "payments", "checkins"}
        assert not written or name in READ_ON_BOTH
    assert {"GET /api/places", "GET /api/users/me", "GET /api/companies/{id}/trips", "GET /"} <= set(split)
    assert not {"GET /api/bookings/{id}", "GET /api/payments/{id}", "GET /api/tickets/{id}"} & set(split)


def test_search_and_the_seat_map_are_split_although_bookings_are_written():
    assert set(READ_ON_BOTH) <= set(split_reads(TABLE, {"bookings"}))
    assert all("bookings" in TABLE.by_name[name].depends for name in READ_ON_BOTH)


def test_where_nothing_is_written_every_read_is_split():
    assert split_reads(TABLE, ()) == READS


def test_a_table_without_flags_is_on_legacy():
    assert side_of(TABLE, stored()) == "legacy"


def test_all_groups_and_all_reads_on_service_are_on_service():
    table = stored(
        flags=dict.fromkeys(READS, Flag(mode="service")), owners=dict.fromkeys(TABLE.groups, "service")
    )
    assert side_of(TABLE, table) == "service"


@pytest.mark.parametrize(
    ("table", "named"),
    [
        (stored(flags={"GET /api/search": Flag(mode="service")}), r"GET /api/search \(service\)"),
        (stored(flags={"GET /api/search": HALF}), r"GET /api/search \(split 50 %\)"),
        (stored(owners={"bookings": "service"}), r"Not everything is on legacy: bookings \(service\)\."),
        (stored(owners=dict.fromkeys(TABLE.groups, "service")), "GET /"),
        (stored(flags={"GET /api/search": Flag(shadow=100)}), r"GET /api/search \(legacy\)"),
    ],
)
def test_anything_in_between_is_refused_by_name(table, named):
    with pytest.raises(Refused, match=named) as refused:
        side_of(TABLE, table)
    assert "banyan place" in refused.value.next_step
