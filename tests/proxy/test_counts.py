"""What a worker counts: the histogram's arithmetic, adding up workers, Prometheus' text."""

import re

from hypothesis import given
from hypothesis import strategies as st

from strangler.proxy.metrics import BUCKETS, Cell, bucket, merge, render


def upper_bound(at: int) -> int:
    if at < 8:
        return at + 1
    power = (at >> 3) + 3
    return (8 + (at & 7) + 1) << (power - 4)


@given(st.integers(0, 1 << 33))
def test_a_duration_lies_in_its_bucket_which_is_an_eighth_wide_at_most(micros):
    at = bucket(micros)
    assert micros < upper_bound(at) or at == BUCKETS - 1
    if at:
        lower = upper_bound(at - 1)
        assert lower <= micros
        assert upper_bound(at) - lower <= max(1, lower // 8 + 1)


def test_workers_add_up():
    one, other = Cell("GET /a", "legacy"), Cell("GET /a", "legacy")
    one.observe(200, 0.002)
    one.in_flight = 3
    other.observe(502, 0.004)
    other.error("upstream-down")
    other.retries = 2
    (cell,) = merge([[one.report()], [other.report()]])
    assert cell.by_class == [0, 0, 1, 0, 0, 1]
    assert sum(cell.buckets) == 2
    assert (cell.in_flight, cell.retries, cell.errors) == (3, 2, {"upstream-down": 1})
    assert abs(cell.seconds - 0.006) < 1e-9


def test_prometheus_reads_what_is_written():
    cell = Cell('GET /a"\\', "service")
    for seconds in (0.0001, 0.0003, 0.1, 100.0):
        cell.observe(200, seconds)
    cell.error("upstream-down")
    cell.retries = 1
    text = render([cell], {"strangler_workers": ("Workers.", {"": 2})})
    assert 'strangler_requests_total{route="GET /a\\"\\\\",side="service",status="2xx"} 4' in text
    counts = [int(n) for n in re.findall(r"strangler_request_seconds_bucket\{.*le=.*\} (\d+)", text)]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert counts[-2:] == [3, 4]
    assert "strangler_workers 2" in text
    for line in text.splitlines():
        assert line.startswith("# ") or re.fullmatch(
            r'[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)*\})? [0-9.e+-]+', line
        ), line
