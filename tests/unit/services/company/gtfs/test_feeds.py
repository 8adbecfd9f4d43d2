"""Feeds: what is read of them, and every fault at its file, line and column."""

import io
import json
import struct
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.company.gtfs import archive
from services.company.gtfs.feed import Feed, Options
from services.company.gtfs.parse import parse_feed
from services.company.gtfs.problems import MOST_FAULTS, FeedError
from services.company.gtfs.times import format_time
from tests.unit.services.company.gtfs.feeds import SMALL, zip_of

FLAT = Options(default_leg_fare=100)


def parse(**changes: str | None) -> Feed:
    """The small feed with files replaced (`stops=…` is stops.txt), or taken away by None."""
    files: dict[str, str | bytes] = {**SMALL}
    for name, text in changes.items():
        files.pop(f"{name}.txt", None)
        if text is not None:
            files[f"{name}.txt"] = text
    return parse_feed(zip_of(files), FLAT)


def faults(**changes: str | None) -> dict[str, list[str]]:
    with pytest.raises(FeedError) as refused:
        parse(**changes)
    return refused.value.errors


def swap(file: str, old: str, new: str) -> str:
    text = SMALL[f"{file}.txt"]
    assert old in text
    return text.replace(old, new, 1)


def test_the_small_feed_is_read_as_it_is_written():
    feed = parse()
    assert (feed.agencies, feed.time_zone, len(feed.stops)) == (1, "Asia/Kolkata", 4)
    assert [pattern.name for pattern in feed.patterns] == [
        "7: Majestic → Mysuru Bus Stand",
        "7: Mysuru Bus Stand → Majestic",
    ]
    assert [(trip.trip_id, trip.pattern, trip.start_s) for trip in feed.trips] == [
        ("there", 0, 8 * 3600),
        ("back", 1, 14 * 3600),
        ("night", 0, 25 * 3600 + 1800),
    ]
    assert feed.patterns[0].distance_km is not None
    assert 120 < feed.patterns[0].distance_km < 140


WRONG = [
    ("agency", swap("agency", "Asia/Kolkata", "Mars/Base"), "agency.txt:2:agency_timezone"),
    ("agency", swap("agency", "agency_timezone", "agency_zone"), "agency.txt:1:agency_timezone"),
    (
        "agency",
        SMALL["agency.txt"] + "I,Other,https://o.example,Europe/Berlin\n",
        "agency.txt:3:agency_timezone",
    ),
    ("agency", SMALL["agency.txt"].splitlines()[0], "agency.txt:1:agency_name"),
    ("stops", swap("stops", "12.9779", "12,9779"), "stops.txt:2:"),
    ("stops", swap("stops", "12.9779", ""), "stops.txt:2:stop_lat"),
    ("stops", swap("stops", "12.9779", "nan"), "stops.txt:2:stop_lat"),
    ("stops", swap("stops", "77.5713", "181"), "stops.txt:2:stop_lon"),
    ("stops", swap("stops", "Y2,", "Y1,"), "stops.txt:5:stop_id"),
    ("stops", swap("stops", '"Mandya, Highway"', '"Mandya, Highway'), "stops.txt:5:"),
    ("stops", swap("stops", "Majestic", ""), "stops.txt:2:stop_name"),
    ("routes", swap("routes", "R7,H,7,Bengaluru - Mysuru,3", "R7,H,7,,bus"), "routes.txt:2:route_type"),
    ("routes", swap("routes", "R7,H,7,Bengaluru - Mysuru,3", "R7,H,,,3"), "routes.txt:2:route_short_name"),
    ("routes", swap("routes", "R7,H,", "R7,Z,"), "routes.txt:2:agency_id"),
    ("routes", SMALL["routes.txt"] + "R7,H,8,Again,3\n", "routes.txt:3:route_id"),
    ("calendar", swap("calendar", "20260630", "20260631"), "calendar.txt:2:end_date"),
    ("calendar", swap("calendar", "20260630", "20260531"), "calendar.txt:2:end_date"),
    ("calendar", swap("calendar", "work,1,1", "work,1,2"), "calendar.txt:2:tuesday"),
    (
        "calendar_dates",
        swap("calendar_dates", "20260610,2", "20260610,3"),
        "calendar_dates.txt:2:exception_type",
    ),
    ("calendar_dates", SMALL["calendar_dates.txt"] + "sat,20260610,2\n", "calendar_dates.txt:4:date"),
    ("trips", swap("trips", "R7,work,there", "R8,work,there"), "trips.txt:2:route_id"),
    ("trips", swap("trips", "R7,work,there", "R7,sun,there"), "trips.txt:2:service_id"),
    ("trips", swap("trips", "R7,work,back", "R7,work,there"), "trips.txt:3:trip_id"),
    ("stop_times", swap("stop_times", "09:30:00", "9.30"), "stop_times.txt:3:arrival_time"),
    (
        "stop_times",
        swap("stop_times", "11:30:00,11:30:00", "09:00:00,09:00:00"),
        "stop_times.txt:4:arrival_time",
    ),
    (
        "stop_times",
        swap("stop_times", "09:30:00,09:35:00", "09:30:00,09:25:00"),
        "stop_times.txt:3:departure_time",
    ),
    ("stop_times", swap("stop_times", "08:00:00,08:00:00", ","), "stop_times.txt:2:arrival_time"),
    ("stop_times", swap("stop_times", "11:30:00,11:30:00", ","), "stop_times.txt:4:arrival_time"),
    ("stop_times", swap("stop_times", "M1,2", "M9,2"), "stop_times.txt:3:stop_id"),
    ("stop_times", swap("stop_times", "M1,2", "M1,1"), "stop_times.txt:3:stop_sequence"),
    ("stop_times", swap("stop_times", "M1,2", "M1,two"), "stop_times.txt:3:stop_sequence"),
    ("stop_times", swap("stop_times", "there,08", "their,08"), "stop_times.txt:2:trip_id"),
    (
        "frequencies",
        "trip_id,start_time,end_time,headway_secs\nthere,08:00:00,07:00:00,60\n",
        "frequencies.txt:2:end_time",
    ),
    (
        "frequencies",
        "trip_id,start_time,end_time,headway_secs\nthere,08:00:00,09:00:00,0\n",
        "frequencies.txt:2:headway_secs",
    ),
    (
        "frequencies",
        "trip_id,start_time,end_time,headway_secs\nno,08:00:00,09:00:00,60\n",
        "frequencies.txt:2:trip_id",
    ),
]


@pytest.mark.parametrize(
    ("file", "text", "where"), WRONG, ids=[f"{file}-{where}" for file, _, where in WRONG]
)
def test_a_fault_is_named_by_file_line_and_column(file, text, where):
    assert list(faults(**{file: text})) == [where]


@pytest.mark.parametrize("file", ["agency", "stops", "routes", "trips", "stop_times"])
def test_a_file_that_lacks_is_named(file):
    assert list(faults(**{file: None})) == [f"{file}.txt:0:"]


def test_a_feed_without_any_calendar_is_no_feed():
    assert list(faults(calendar=None, calendar_dates=None)) == ["calendar.txt:0:"]


def test_days_alone_make_a_calendar():
    feed = parse(
        calendar=None, calendar_dates="service_id,date,exception_type\nwork,20260601,1\nsat,20260606,1\n"
    )
    assert [(s.service_id, s.weekdays, len(s.added)) for s in feed.services] == [
        ("sat", (), 1),
        ("work", (), 1),
    ]


def test_a_feed_with_a_thousand_faults_is_told_the_first_hundred():
    lines = [f"there,late,late,M1,{number}" for number in range(1000)]
    assert len(faults(stop_times=SMALL["stop_times.txt"] + "\n".join(lines))) == MOST_FAULTS


def test_files_may_have_a_mark_quotes_folders_capitals_and_company():
    files: dict[str, str | bytes] = {
        name: b"\xef\xbb\xbf" + "\r\n".join(text.splitlines()).encode() for name, text in SMALL.items()
    }
    files["STOPS.TXT"] = files.pop("stops.txt")
    files |= {
        "shapes.txt": b"\xff\xfe nobody reads this",
        "__MACOSX/._stops.txt": "nor this",
        "fares/readme.md": "!",
    }
    assert parse_feed(zip_of(files, folder="feed/"), FLAT) == parse()


def test_lines_that_are_empty_or_short_are_no_fault():
    feed = parse(
        stops=SMALL["stops.txt"] + "\n\n", trips=swap("trips", "R7,work,there,Mysuru", "R7,work,there")
    )
    assert feed.trips[0].headsign is None


def test_text_that_is_not_utf8_is_named_by_its_line():
    files: dict[str, str | bytes] = {
        **SMALL,
        "stops.txt": SMALL["stops.txt"].replace("Mandya", "M\udcff").encode("utf-8", "surrogateescape"),
    }
    with pytest.raises(FeedError) as refused:
        parse_feed(zip_of(files), FLAT)
    assert list(refused.value.errors) == ["stops.txt:3:"]


def test_stations_lend_their_zone_and_city_and_are_left_out():
    stops = """\
stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station,stop_timezone,banyan_city
S,Station,12.9,77.5,1,,Asia/Colombo,Bengaluru
B1,Platform 1,12.9,77.5,0,S,,
E,Door,12.9,77.5,2,S,,
N,,,,3,S,,
M1,Mandya,12.5,76.9,,,Asia/Dhaka,
Y1,Mysuru,12.3,76.6,,,,
"""
    feed = parse(stops=stops)
    assert {stop.code: (stop.time_zone, stop.city) for stop in feed.stops} == {
        "B1": ("Asia/Colombo", "Bengaluru"),
        "M1": ("Asia/Dhaka", None),
        "Y1": ("Asia/Kolkata", None),
    }
    assert feed.skipped["stops"] == 3
    assert list(faults(stops=stops, stop_times=SMALL["stop_times.txt"].replace("M1,", "E,"))) == [
        "stop_times.txt:3:stop_id",
        "stop_times.txt:8:stop_id",
    ]
    assert list(faults(stops=stops.replace("0,S", "0,M1"))) == ["stops.txt:3:parent_station"]
    assert list(faults(stops=stops.replace("2,S", "2,"))) == ["stops.txt:4:parent_station"]


def test_trains_are_left_out_and_counted():
    feed = parse(
        routes=SMALL["routes.txt"] + "T1,H,T,Train,2\n",
        trips=SMALL["trips.txt"] + "T1,work,train,\n",
        stop_times=SMALL["stop_times.txt"] + "train,08:00:00,08:00:00,B1,1\ntrain,whenever,,Nowhere,x\n",
    )
    assert feed.skipped == {"stops": 0, "routes": 1, "trips": 1}
    assert len(feed.trips) == 3


def test_a_trip_that_calls_at_one_stop_only_is_left_out():
    feed = parse(
        trips=SMALL["trips.txt"] + "R7,work,one,\nR7,work,none,\n",
        stop_times=SMALL["stop_times.txt"] + "one,08:00:00,08:00:00,B1,1\n",
    )
    assert feed.skipped["trips"] == 2


def test_a_stop_where_nobody_gets_on_or_off_is_no_stop():
    times = """\
trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,drop_off_type
there,08:00:00,08:00:00,B1,1,0,1
there,09:00:00,09:00:00,M1,2,1,1
there,10:00:00,10:00:00,Y1,3,1,0
"""
    assert [call.stop for call in parse(stop_times=times).patterns[0].calls] == ["B1", "Y1"]


def test_times_between_timepoints_go_by_the_distance():
    def filled(between: str, extra: str = "", far: tuple[str, ...] = ("", "", "")) -> list[int]:
        header = f"trip_id,arrival_time,departure_time,stop_id,stop_sequence{extra}\n"
        times = [
            f"there,08:00:00,08:00:00,B1,1{far[0]}",
            f"there,,,{between},2{far[1]}",
            f"there,10:00:00,10:00:00,Y1,9{far[2]}",
        ]
        return [call.arrive_s for call in parse(stop_times=header + "\n".join(times)).patterns[0].calls]

    start, at, end = filled("M1")
    assert (start, end) == (0, 7200)
    assert 5000 < at < 5300  # Mandya lies at seven tenths of the way
    # where the feed says how far the bus has come, that counts
    assert filled("M1", ",shape_dist_traveled", (",0", ",1", ",4")) == [0, 1800, 7200]


def test_times_between_timepoints_are_even_where_there_is_no_distance():
    stops = "stop_id,stop_name,stop_lat,stop_lon\n" + "".join(
        f"{code},{code},1,1\n" for code in ("B1", "M1", "Y1")
    )
    times = """\
trip_id,arrival_time,departure_time,stop_id,stop_sequence
there,08:00:00,08:00:00,B1,1
there,,,M1,2
there,10:00:00,10:00:00,Y1,9
"""
    assert [call.arrive_s for call in parse(stops=stops, stop_times=times).patterns[0].calls] == [
        0,
        3600,
        7200,
    ]


def test_a_trip_that_runs_every_ten_minutes_is_as_many_trips():
    feed = parse(
        frequencies="trip_id,start_time,end_time,headway_secs,exact_times\nthere,06:00:00,07:00:00,600,1\n"
    )
    made = [(trip.trip_id, trip.start_s) for trip in feed.trips if trip.trip_id.startswith("there")]
    assert made == [(f"there@06:{minute:02}:00", 6 * 3600 + minute * 60) for minute in range(0, 60, 10)]


def test_a_trip_of_no_day_shows_a_way_and_is_no_trip():
    feed = parse(calendar=swap("calendar", "sat,0,0,0,0,0,1,0", "sat,0,0,0,0,0,0,0"), calendar_dates=None)
    assert [trip.trip_id for trip in feed.trips] == ["there", "back"]
    assert [service.service_id for service in feed.services] == ["work"]


def test_fares_are_the_feeds_own_then_flat_then_by_distance():
    data = zip_of(SMALL)
    assert [call.leg_fare for call in parse_feed(data, FLAT).patterns[0].calls] == [0, 100, 100]
    by_distance = parse_feed(data, Options(fare_per_km=200)).patterns[0].calls
    assert 17_000 < by_distance[1].leg_fare < 18_500  # 88 km
    own = {
        **SMALL,
        "stop_times.txt": "\n".join(
            line + (",banyan_leg_fare" if not n else ",777")
            for n, line in enumerate(SMALL["stop_times.txt"].splitlines())
        ),
    }
    assert [call.leg_fare for call in parse_feed(zip_of(own), FLAT).patterns[0].calls] == [0, 777, 777]
    with pytest.raises(FeedError):
        parse_feed(data, Options(default_leg_fare=10**9))


def test_the_way_between_two_processes_changes_nothing():
    feed = parse()
    head, *lines = json.loads(json.dumps(feed.lines()))
    back = Feed(head[1], head[2], [], [], [], [], *head[3:])
    for kind, *values in lines:
        back.take_line(kind, values)
    assert back == feed


CALLS = st.lists(
    st.tuples(st.sampled_from(["B1", "M1", "Y1", "Y2"]), st.integers(0, 7200), st.integers(0, 900)),
    min_size=2,
    max_size=30,
)


@given(CALLS, st.integers(0, 100_000), st.randoms(use_true_random=False))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_whatever_order_the_rows_are_in_the_trip_is_the_same(calls, start, order):
    now, rows, wanted = start, [], []
    for number, (stop, drive, wait) in enumerate(calls):
        arrives = now + (drive if number else 0)
        now = arrives + (wait if number else 0)
        rows.append(f"there,{format_time(arrives)},{format_time(now)},{stop},{number * 7}")
        wanted.append((stop, arrives - start, now - start))
    order.shuffle(rows)
    feed = parse(stop_times="trip_id,arrival_time,departure_time,stop_id,stop_sequence\n" + "\n".join(rows))
    assert [(call.stop, call.arrive_s, call.depart_s) for call in feed.patterns[0].calls] == wanted
    assert feed.trips[0].start_s == start


@given(
    st.sampled_from(sorted(SMALL)),
    st.integers(0, 400),
    st.integers(0, 12),
    st.text(st.characters(codec="utf-8"), max_size=12),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_feed_whatever_is_in_it_is_more_than_refused(file, at, length, text):
    """Bytes put anywhere make another feed or a fault, and never an exception that nobody expects."""
    content = SMALL[file]
    at %= len(content)
    files = {**SMALL, file: content[:at] + text + content[at + length :]}
    feed, errors = attempt(zip_of(files))
    if feed is None:
        assert errors
        return
    assert all("\0" not in each for stop in feed.stops for each in (stop.name, stop.city or ""))
    for pattern in feed.patterns:
        times = [second for call in pattern.calls for second in (call.arrive_s, call.depart_s)]
        assert times == sorted(times)
        assert times[0] == 0


def attempt(data: bytes) -> tuple[Feed | None, dict[str, list[str]]]:
    try:
        return parse_feed(data, FLAT), {}
    except FeedError as error:
        return None, error.errors


def refused(data: bytes) -> dict[str, list[str]]:
    with pytest.raises(FeedError) as error:
        parse_feed(data, FLAT)
    return error.value.errors


def test_a_file_that_would_unpack_to_much_more_than_it_is_is_not_unpacked():
    bomb = zip_of({**SMALL, "stop_times.txt": b"0" * (8 * 1024 * 1024)})
    assert list(refused(bomb)) == ["stop_times.txt:0:"]


def test_a_zip_that_lies_about_a_size_is_refused_and_not_believed():
    honest = zip_of({**SMALL, "stops.txt": SMALL["stops.txt"] + "x" * 5000})
    info = zipfile.ZipFile(io.BytesIO(honest)).getinfo("stops.txt")
    lie = honest.replace(struct.pack("<L", info.file_size), struct.pack("<L", 100))
    assert list(refused(lie)) == ["stops.txt:0:"]


def test_a_zip_that_is_cut_short_or_holds_a_file_twice_is_refused(monkeypatch):
    data = zip_of(SMALL)
    assert list(refused(data[:-40])) == ["feed.zip:0:"]
    packed = io.BytesIO(data)
    with zipfile.ZipFile(packed, "a") as again:
        again.writestr("old/stops.txt", "stop_id\n")
    assert list(refused(packed.getvalue())) == ["stops.txt:0:"]
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    assert list(refused(data)) == ["feed.zip:0:"]


@given(st.binary(max_size=200), st.integers(0, 2000))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_zip_however_damaged_is_more_than_refused(noise, at):
    data = zip_of(SMALL)
    at %= len(data)
    feed, errors = attempt(data[:at] + noise + data[at + len(noise) :])
    assert (feed is None) == bool(errors)


def test_names_in_a_zip_are_never_paths(tmp_path):
    data = zip_of(SMALL, folder="../../")
    assert parse_feed(data, FLAT).agencies == 1
