"""Whoever stops a comparison, at whichever moment, finds the site on the side on which it was."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from loadtests.compare.comparison import _put_back
from loadtests.compare.refusals import Refused
from loadtests.compare.sides import ROUTES_FILE, ByCommand, ByFlags
from loadtests.compare.stage import Stage
from strangler.cli.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator
    from pathlib import Path

    from loadtests.compare.sides import Placement
    from strangler.routing.flags import Side

SIDE = "{side}"
SETTINGS = Settings(ROUTES_FILE, "", "", (), {})


class Flags(ByFlags):
    """Keeps where requests go in this process; the first change is interrupted when it has been made."""

    def __init__(self) -> None:
        self.on: list[str] = []
        super().__init__(SETTINGS)

    async def _look(self) -> Side:
        return "legacy"

    async def _place(self, placement: str, written: Collection[str]) -> None:
        del written
        self.on.append(placement)
        if len(self.on) == 1:
            raise KeyboardInterrupt


class Signalled:
    """A way to steer that is told to stop, by either signal, while it puts everything back."""

    placements: tuple[Placement, ...] = ("legacy", "service")

    def __init__(self) -> None:
        self.found: Side = "legacy"
        self.on: list[str] = []

    def place(self, placement: str, written: Collection[str]) -> None:
        del written
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
        self.on.append(placement)


def stage(steering: Any) -> Stage:
    return Stage("http://localhost", steering=steering)


def test_a_change_of_flags_that_was_interrupted_is_put_back():
    flags = Flags()
    with pytest.raises(KeyboardInterrupt), _put_back(stage(flags)):
        flags.place("service", ())
    assert flags.on == ["service", "legacy"]


def test_flags_that_are_where_they_should_be_are_left_alone():
    flags = Flags()
    with _put_back(stage(flags)):
        flags.place("legacy", ())
    assert flags.on == []


def test_no_signal_keeps_flags_from_going_back():
    heard: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _frame: heard.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        steering = Signalled()
        with _put_back(stage(steering)):
            pass
        assert (steering.on, heard) == (["legacy"], [])
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM], "afterwards it is heard again"
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def site(side: Path) -> Generator[str]:
    """It answers from the side that is written in the file, as the strangler does where it may show it."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Banyan-Side", side.read_text(encoding="utf-8"))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def side(tmp_path: Path) -> Path:
    path = tmp_path / "side"
    path.write_text("legacy", encoding="utf-8")
    return path


@pytest.fixture
def host(side: Path) -> Iterator[str]:
    with site(side) as address:
        yield address


def test_a_command_that_was_interrupted_is_run_again_to_put_back(side, host, tmp_path):
    """The one answer that is looked at says legacy; what the command had changed elsewhere is not known."""
    runs = tmp_path / "runs"
    fails = f"echo {SIDE} >> {runs}; test {SIDE} = legacy"
    steering = ByCommand(f"sh -c '{fails}'", host)
    with pytest.raises(Refused, match="ended with 1"), _put_back(stage(steering)):
        steering.place("service", ())
    assert runs.read_text(encoding="utf-8").split() == ["service", "legacy"]


def test_a_command_that_does_it_is_run_once_for_each_change(side, host, tmp_path):
    runs = tmp_path / "runs"
    steering = ByCommand(f"sh -c 'printf {SIDE} > {side}; echo {SIDE} >> {runs}'", host)
    for placement in ("legacy", "service", "service", "legacy"):
        steering.place(placement, ())
    assert runs.read_text(encoding="utf-8").split() == ["service", "legacy"]


def test_a_command_that_changes_nothing_is_refused(host):
    with pytest.raises(Refused, match="legacy goes on answering"):
        ByCommand(f"true {SIDE}", host).place("service", ())


def test_a_command_that_is_not_there_is_refused(host, tmp_path):
    with pytest.raises(Refused, match=r"cannot be run: .*No such file") as refused:
        ByCommand(f"{tmp_path}/nowhere {SIDE}", host).place("service", ())
    assert "by hand" in refused.value.next_step


def test_a_command_that_does_not_end_is_refused(host):
    forever = f"{sys.executable} -c 'import threading; threading.Event().wait()' {SIDE}"
    with pytest.raises(Refused, match=r"did not end within 0\.2 s"):
        ByCommand(forever, host, within_s=0.2).place("service", ())
