"""Clocks of real processes: what a family used is known, whoever of it has ended meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager

import pytest

from loadtests.compare import processes
from loadtests.compare.watch import Watch

pytestmark = pytest.mark.skipif(not processes.is_readable(), reason="only Linux tells what processes use")

BURNS = """
    import sys, time
    until = time.process_time() + float(sys.argv[1])
    while time.process_time() < until:
        pass
"""
FAMILY = f"""
    import subprocess, sys
    for line in sys.stdin:
        how = line.strip()
        child = subprocess.Popen([sys.executable, "-c", {textwrap.dedent(BURNS)!r}, "0.2"])
        if how == "wait":
            child.wait()
        print("done", flush=True)
"""


@contextmanager
def family():
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(FAMILY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.stdin.close()


def tell(process, how):
    process.stdin.write(how + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"


def test_a_child_that_came_and_ended_between_two_readings_is_counted():
    with family() as process:
        before = processes.read({"it": process.pid})
        tell(process, "wait")
        after = processes.read({"it": process.pid})
    assert 0.15 < after.cpu_s["it"] - before.cpu_s["it"] < 0.6


def test_a_child_that_lives_is_counted_while_it_works():
    with family() as process:
        before = processes.read({"it": process.pid}).cpu_s["it"]
        tell(process, "leave")
        deadline = time.monotonic() + 20
        while processes.read({"it": process.pid}).cpu_s["it"] - before < 0.15:
            assert time.monotonic() < deadline


def test_somebody_elses_work_is_not_counted():
    with family() as one, family() as other:
        before = processes.read({"it": one.pid})
        tell(other, "wait")
        after = processes.read({"it": one.pid})
    assert after.cpu_s["it"] - before.cpu_s["it"] < 0.05


def test_memory_that_is_shared_counts_once():
    """A fork shares all of its memory with its parent, until it writes there."""
    script = """
        import mmap, os, sys
        shared = mmap.mmap(-1, 64 << 20)
        shared.write(b"x" * (64 << 20))
        for _ in range(3):
            if os.fork() == 0:
                shared.seek(0)
                shared.read(64 << 20)
                os.write(1, b"ready\\n")  # at once, or two of them mix
                sys.stdin.read()
                os._exit(0)
        sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert [process.stdout.readline() for _ in range(3)] == ["ready\n"] * 3
        mib = processes.read({"it": process.pid}).rss_mib["it"]
        process.stdin.close()
    assert 64 < mib < 2 * 64 + 4 * 20 + 20


def test_a_process_that_is_gone_has_used_nothing_that_can_be_told():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    reading = processes.read({"it": gone.pid})
    assert (reading.cpu_s["it"], reading.rss_mib["it"]) == (0.0, 0.0)


def test_a_watch_reads_at_its_beginning_and_end_and_when_it_is_told_to():
    watch = Watch(lambda: {"me": os.getpid()})
    with watch.running():
        until = time.process_time() + 0.1
        while time.process_time() < until:
            pass
        told = watch.read_now()
    readings = watch.record.readings
    assert [reading.at for reading in readings] == sorted(reading.at for reading in readings)
    assert told in {reading.at for reading in readings}
    assert watch.record.spent(readings[0].at, told)["me"] >= 0.1
