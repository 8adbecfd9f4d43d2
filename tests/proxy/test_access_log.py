"""The access log: whole lines of JSON whatever is asked, none lost unless nobody reads."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING

from strangler.proxy import access_log
from strangler.proxy.access_log import AccessLog
from strangler.proxy.exchange import Exchange
from strangler.proxy.metrics import Cell
from strangler.proxy.requests import Peer, RequestReader
from strangler.proxy.switchboard import Lane

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def exchange(target: str = "/a", *lines: str) -> Exchange:
    raw = "".join(f"{line}\r\n" for line in (f"GET {target} HTTP/1.1", "Host: a", *lines, ""))
    made = Exchange.__new__(Exchange)
    made.request = RequestReader(Peer(b"10.0.0.1", trusted=True), max_headers=100).read(raw.encode("latin-1"))
    made.lane = Lane(
        route="GET /a", method="GET", side="legacy", pool=None, timeout_s=1, max_body=1, show_side=True
    )
    assert isinstance(made.lane.cell, Cell)
    return made


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_line_is_json_whatever_was_asked(tmp_path: Path):
    path = tmp_path / "log"
    with path.open("wb") as file:
        log = AccessLog(file.fileno(), sample=1)
        log.add(
            [
                (exchange('/"\\'), 200, 0.0015, None),
                (exchange("/" + "a" * 5000), 200, 0.1, None),
                (exchange("/a?secret=1", 'X-Forwarded-For: 1.2.3.4, "}'), 502, 2.0, "upstream-down"),
            ]
        )
        log.add_refused(b"10.0.0.1", b"f" * 32, 400, "malformed-request")
        log.close()
    odd, long, failed, refused = read(path)
    assert odd["path"] == '/"\\'
    assert str(odd["ms"]) == "1.5"
    assert len(str(long["path"])) == 1024
    assert (failed["client"], failed["error"], failed["path"]) == ("10.0.0.1", "upstream-down", "/a")
    assert refused["status"] == 400


def test_people_get_a_line_that_they_can_read(tmp_path: Path):
    path = tmp_path / "log"
    with path.open("wb") as file:
        log = AccessLog(file.fileno(), sample=1, for_people=True)
        log.add([(exchange("/a?secret=1"), 200, 0.0015, None), (exchange("/a"), 502, 2.0, "upstream-down")])
        log.add_refused(b"10.0.0.1", b"f" * 32, 400, "malformed-request")
        log.close()
    went_well, failed, refused = path.read_text(encoding="utf-8").splitlines()
    assert went_well.endswith(" 200 GET /a, legacy, 1.5 ms")
    assert failed.endswith(" 502 GET /a, legacy, 2000.0 ms, upstream-down")
    assert refused.endswith(" 400 from 10.0.0.1, malformed-request")


def test_a_sample_leaves_out_what_went_well_and_nothing_that_failed(tmp_path: Path):
    path = tmp_path / "log"
    with path.open("wb") as file:
        log = AccessLog(file.fileno(), sample=0.1)
        log.add([(exchange(), 200, 0.1, None)] * 1000)
        log.add([(exchange(), 500, 0.1, None)] * 10)
        log.add([(exchange(), 404, 0.1, "service-not-deployed")] * 10)
        log.close()
    statuses = [line["status"] for line in read(path)]
    assert 40 < statuses.count(200) < 200
    assert (statuses.count(500), statuses.count(404)) == (10, 10)


def test_lines_are_written_in_pieces_that_a_pipe_takes_whole():
    reading, writing = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # keeps writes apart
    with reading, writing:
        log = AccessLog(writing.fileno(), sample=1)
        log.add([(exchange(f"/{'a' * 900}"), 200, 0.1, None)] * 20)
        log.flush()
        pieces = []
        while sum(piece.count(b"\n") for piece in pieces) < 20:
            pieces.append(reading.recv(1 << 20))
        log.close()
    assert all(piece.endswith(b"}\n") and len(piece) <= access_log.ATOMIC_BYTES for piece in pieces)
    assert len(pieces) < 10


def test_when_nobody_reads_lines_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(access_log, "MOST_LINES_WAITING", 100)
    reading, writing = os.pipe()
    log = AccessLog(writing, sample=1)
    for _ in range(20):
        log.add([(exchange(), 200, 0.1, None)] * 50)
        log.flush()
    assert log.lost >= 500
    os.close(reading)  # whoever read is gone: the thread gives up and ends
    log.close()
    os.close(writing)
