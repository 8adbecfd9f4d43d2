"""The runner as a person meets it: says what is in the way, restarts what crashes, leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from deploy.local import control, lock
from deploy.local.folders import CHECKOUT, folders_of, remove_short_folder
from deploy.local.marks import started
from deploy.local.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Tiny:
    """A runner of two tiny processes, started and ended by the test."""

    state: Path
    ports: tuple[int, int]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *words: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Start and wait until everything is ready."""
        process = self.spawn(*words, env=env)
        until(lambda: folders_of(self.state).stack.exists() or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        return process

    def spawn(self, *words: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        argv = [sys.executable, "-m", "tests.runner.tiny", str(self.state), *map(str, self.ports), *words]
        process = subprocess.Popen(
            argv,
            cwd=CHECKOUT,
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def diary(self) -> list[str]:
        """`name word` in the order in which it happened."""
        return [" ".join(entry.split()[:2]) for entry in self._entries()]

    def pids(self) -> set[int]:
        """Of every process that ever wrote in the diary, and of their children."""
        found = set()
        for entry in self._entries():
            _, word, pid = entry.split()
            found.add(int(word.removeprefix("child=")) if word.startswith("child=") else int(pid))
        return found - {0}

    def status(self) -> dict[str, dict]:
        return {
            part["name"]: part for part in control.order(folders_of(self.state).control, "status")["parts"]
        }

    def _entries(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return (self.state / "diary").read_text().splitlines()
        return []


def until(condition: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if started(pid) is not None}


@pytest.fixture
def make_tiny(tmp_path) -> Iterator[Callable[..., Tiny]]:
    made: list[Tiny] = []
    with contextlib.ExitStack() as reserved:

        def make(name: str = "state") -> Tiny:
            ports = reserved.enter_context(free_ports())
            made.append(Tiny(tmp_path / name, (ports["legacy"], ports["strangler"])))
            return made[-1]

        yield make
        for tiny in made:
            for process in tiny.processes:
                process.kill()
                process.communicate()
            until(lambda tiny=tiny: not alive(tiny.pids()))
            remove_short_folder(folders_of(tiny.state))


@pytest.fixture
def tiny(make_tiny) -> Tiny:
    return make_tiny()


def test_each_starts_when_what_it_needs_is_ready_and_all_stop_in_reverse(tiny):
    runner = tiny.start()
    runner.send_signal(signal.SIGTERM)
    assert runner.wait(20) == 0
    happened = [word for word in tiny.diary() if "child=" not in word]
    assert happened == ["one started", "step done", "two started", "two stopped", "one stopped"]
    assert not alive(tiny.pids())
    assert not list(folders_of(tiny.state).pids.iterdir())


def test_ctrl_c_stops_everything(tiny):
    runner = tiny.start()
    runner.send_signal(signal.SIGINT)
    assert runner.wait(20) == 0
    assert not alive(tiny.pids())


def test_ctrl_c_while_it_starts_leaves_nothing(tiny):
    runner = tiny.spawn()
    until(lambda: "one started" in tiny.diary())
    runner.send_signal(signal.SIGINT)
    assert runner.wait(20) == 0
    assert not alive(tiny.pids())


def test_a_process_that_does_not_stop_is_killed(tiny):
    runner = tiny.start("deaf")
    runner.send_signal(signal.SIGTERM)
    out, _ = runner.communicate(timeout=20)
    assert "did not stop in time and was killed" in out
    assert not alive(tiny.pids())


def test_a_second_ctrl_c_does_not_wait(tiny):
    runner = tiny.start("deaf", "patient")
    runner.send_signal(signal.SIGINT)
    until(lambda: tiny.status()["two"]["state"] == "stopping")
    runner.send_signal(signal.SIGINT)
    out, _ = runner.communicate(timeout=60)
    assert "not waiting any longer" in out
    assert not alive(tiny.pids())


def test_a_killed_runner_leaves_nothing_running(tiny):
    runner = tiny.start()
    runner.kill()
    runner.wait()
    until(lambda: not alive(tiny.pids()))


def test_the_next_start_after_a_kill_works_at_once(tiny):
    tiny.start("deaf").kill()
    first = tiny.pids()
    folders_of(tiny.state).stack.unlink()
    tiny.start()
    assert not alive(first)
    assert {part["state"] for part in tiny.status().values()} == {"ready"}


@pytest.mark.skipif(sys.platform != "linux", reason="without /proc a parent's end is all there is")
def test_the_next_start_finds_what_survived_runner_and_guardian(tiny):
    runner = tiny.start("deaf")
    guardian = int(folders_of(tiny.state).guardian.read_text().split('"pid": ')[1].split(",")[0])
    os.kill(guardian, signal.SIGKILL)
    runner.kill()
    runner.communicate()
    left = alive(tiny.pids())
    assert left  # `two` is deaf to SIGTERM, and its child knows of nothing
    folders_of(tiny.state).stack.unlink()
    again = tiny.start()
    assert not alive(left)
    again.send_signal(signal.SIGTERM)
    out, _ = again.communicate(timeout=20)
    assert "ended what an earlier run left: two" in out


def test_a_crash_is_followed_by_a_restart(tiny):
    tiny.start()
    pid = tiny.status()["two"]["pid"]
    control.order(folders_of(tiny.state).control, "kill", "two")
    until(lambda: tiny.status()["two"]["state"] == "ready" and tiny.status()["two"]["restarts"] == 1)
    assert tiny.status()["two"]["pid"] != pid
    assert tiny.status()["one"]["restarts"] == 0
    until(lambda: pid not in alive(tiny.pids()))


def test_crash_after_crash_is_restarted_with_growing_pauses(tiny):
    runner = tiny.start()
    for number in range(1, 6):
        control.order(folders_of(tiny.state).control, "kill", "one")
        until(lambda number=number: tiny.status()["one"]["restarts"] == number)
        until(lambda: tiny.status()["one"]["state"] == "ready")
    runner.send_signal(signal.SIGTERM)
    out, _ = runner.communicate(timeout=20)
    pauses = [line.rsplit(" in ", 1)[1] for line in out.splitlines() if "starting it again in" in line]
    assert pauses == ["0.1 s", "0.1 s", "0.2 s", "0.4 s", "0.4 s"]


def test_what_a_crashed_process_leaves_in_its_group_is_ended(tiny):
    tiny.start()
    child = max(tiny.pids())
    control.order(folders_of(tiny.state).control, "kill", "two")
    until(lambda: not alive({child}))


def test_one_process_can_be_stopped_and_started(tiny):
    tiny.start()
    where = folders_of(tiny.state).control
    assert control.order(where, "stop", "two") == {"state": "stopped"}
    assert tiny.status()["two"]["pid"] is None
    assert control.order(where, "start", "two") == {"state": "ready"}


def test_a_process_that_cannot_start_ends_the_start_with_its_last_words(tiny):
    runner = tiny.spawn("failing")
    out, err = runner.communicate(timeout=30)
    assert runner.returncode == 1
    assert "two did not start: exit status 1" in err
    assert "this one fails: no such table" in err
    assert "Traceback" not in out + err
    assert not alive(tiny.pids())


def test_a_taken_port_is_named_with_its_holder_before_anything_starts(tiny):
    with socket.create_server(("127.0.0.1", tiny.ports[1])):
        runner = tiny.spawn()
        _, err = runner.communicate(timeout=20)
    assert runner.returncode == 2
    assert f"port {tiny.ports[1]}, wanted for two, is held by pid {os.getpid()}" in err.lower()
    assert "BANYAN_PORT=" in err
    assert tiny.diary() == []


def test_two_runners_of_one_checkout_cannot_start(tiny):
    first = tiny.start()
    second = tiny.spawn()
    _, err = second.communicate(timeout=20)
    assert second.returncode == 2
    assert f"pid {first.pid}" in err
    assert "make stop" in err
    assert {part["state"] for part in tiny.status().values()} == {"ready"}


def test_two_checkouts_run_side_by_side(make_tiny):
    here, there = make_tiny("here"), make_tiny("there")
    here.start()
    runner = there.start()
    runner.send_signal(signal.SIGTERM)
    runner.wait(20)
    assert not alive(there.pids())
    assert {part["state"] for part in here.status().values()} == {"ready"}


def test_the_stack_ends_with_its_owner(tiny):
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    runner = tiny.start(env={"TINY_OWNER": str(owner.pid)})
    owner.kill()
    owner.wait()
    assert runner.wait(20) == 0
    assert not alive(tiny.pids())


def test_stop_of_the_command_line_waits_until_all_is_over(tiny):
    tiny.start()
    argv = [sys.executable, "-m", "deploy.local", "--state", str(tiny.state), "stop"]
    answer = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert "Everything has stopped" in answer.stdout
    assert lock.holder(folders_of(tiny.state).lock) is None
    assert not alive(tiny.pids())


def test_a_terminal_that_nobody_reads_stops_nothing(tiny):
    runner = tiny.start()
    assert runner.stdout is not None
    runner.stdout.close()
    control.order(folders_of(tiny.state).control, "kill", "one")
    until(lambda: tiny.status()["one"]["restarts"] == 1 and tiny.status()["one"]["state"] == "ready")
    runner.stdout = None


def test_a_deep_checkout_keeps_its_sockets_under_the_temporary_folder(make_tiny):
    tiny = make_tiny("/".join(["a-folder-with-a-long-name"] * 6))
    tiny.start()
    folders = folders_of(tiny.state)
    assert not folders.sockets.is_relative_to(tiny.state)
    assert len(str(folders.sockets)) < 60
    assert tiny.status()["one"]["state"] == "ready"
