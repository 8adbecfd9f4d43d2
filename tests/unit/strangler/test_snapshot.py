from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.routing.flags import Flag, dump_flag
from strangler.routing.snapshot import FlagTable, Group, Snapshot, compile_snapshot, default_snapshot
from tests.unit.strangler.tables import at_any_speed, declared

SEARCH = "GET /api/search"
PLACES = "GET /api/places"


def snapshot_of(flags=None, groups=None, *, version=1, previous: Snapshot | None = None) -> Snapshot:
    return compile_snapshot(
        declared(), FlagTable(version, None, flags or {}, groups or {}), "redis", previous
    )


def flag_of(snapshot: Snapshot, name: str) -> Flag:
    return snapshot.of(declared().find(name)).flag


def test_without_flags_everything_is_on_legacy():
    snapshot = default_snapshot(declared())
    assert (snapshot.version, snapshot.source, snapshot.alarms) == (0, "defaults", ())
    assert {snapshot.of(route).fixed for route in declared().routes} == {"legacy"}


def test_a_path_is_matched_to_its_route_and_flag():
    snapshot = snapshot_of({SEARCH: b'{"mode": "split", "percent": 5}'})
    compiled = snapshot.match(b"GET", b"/api/search")
    assert compiled is not None
    assert (compiled.route.name, compiled.fixed, compiled.share) == (SEARCH, None, 500)
    assert snapshot.match(b"GET", b"/nowhere") is None


@pytest.mark.parametrize(
    "raw", [b'{"mode": "splt"}', b"", b"\xff", b"[]", b'{"mode": "split", "percent": 1e9}']
)
def test_a_flag_that_cannot_be_used_keeps_its_last_good_value(raw):
    good = snapshot_of({SEARCH: b'{"mode": "service"}', PLACES: b'{"mode": "legacy"}'})
    bad = snapshot_of({SEARCH: raw, PLACES: b'{"mode": "service"}'}, version=2, previous=good)
    assert flag_of(bad, SEARCH) == Flag("service")
    assert flag_of(bad, PLACES) == Flag("service")
    (alarm,) = bad.alarms
    assert SEARCH in alarm
    assert "stays at: service" in alarm
    still = snapshot_of({SEARCH: raw}, version=3, previous=bad)
    assert flag_of(still, SEARCH) == Flag("service")
    assert still.alarms == bad.alarms


def test_a_flag_that_was_never_good_is_legacy():
    snapshot = snapshot_of({SEARCH: b"nonsense"})
    assert flag_of(snapshot, SEARCH) == Flag()
    assert len(snapshot.alarms) == 1


def test_a_flag_that_is_taken_away_is_legacy_again():
    good = snapshot_of({SEARCH: b'{"mode": "service"}'})
    assert flag_of(snapshot_of({}, version=2, previous=good), SEARCH) == Flag()


def test_a_flag_of_no_declared_route_is_told():
    (alarm,) = snapshot_of({"GET /gone": b'{"mode": "service"}'}).alarms
    assert '"GET /gone" has a flag but is not declared' in alarm


def test_a_write_route_goes_where_its_group_is_owned():
    owned = {"bookings": b'{"owner": "service", "epoch": 3}'}
    snapshot = snapshot_of(groups=owned)
    assert snapshot.groups["bookings"] == Group("service", 3)
    assert {snapshot.of(route).fixed for route in declared().writers_of("bookings")} == {"service"}
    assert {snapshot.of(route).fixed for route in declared().writers_of("payments")} == {"legacy"}
    assert snapshot.alarms == ()


def test_a_write_routes_own_flag_cannot_separate_it_from_its_group():
    snapshot = snapshot_of({"POST /api/bookings": b'{"mode": "service"}'})
    assert snapshot.of(declared().find("POST /api/bookings")).fixed == "legacy"
    (alarm,) = snapshot.alarms
    assert "writes bookings, which legacy owns" in alarm


@pytest.mark.parametrize(
    "raw", [b"{}", b"7", b'{"owner": "both", "epoch": 1}', b'{"owner": "service", "epoch": -1}']
)
def test_a_group_that_cannot_be_read_keeps_its_owner(raw):
    good = snapshot_of(groups={"bookings": b'{"owner": "service", "epoch": 3}'})
    bad = snapshot_of(groups={"bookings": raw}, version=2, previous=good)
    assert bad.groups["bookings"] == Group("service", 3)
    assert "the group bookings" in bad.alarms[0]


names = st.sampled_from([route.name for route in declared().routes]) | st.text(max_size=10)
raws = st.binary(max_size=40) | st.sampled_from([dump_flag(Flag("service")), b'{"mode":"split","percent":5}'])


@at_any_speed
@given(st.dictionaries(names, raws, max_size=6), st.dictionaries(st.sampled_from(["bookings", "x"]), raws))
def test_whatever_redis_holds_there_is_a_snapshot_and_it_can_be_saved(flags, groups):
    first = snapshot_of({SEARCH: b'{"mode": "service"}'})
    snapshot = snapshot_of(flags, groups, version=2, previous=first)
    saved = snapshot.effective()
    again = compile_snapshot(declared(), saved, "disk", None)
    assert again.alarms == ()
    for route in declared().routes:
        assert again.of(route).flag == snapshot.of(route).flag
    assert all(isinstance(orjson.loads(raw), dict) for raw in (*saved.flags.values(), *saved.groups.values()))
