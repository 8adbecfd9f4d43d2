"""Ctrl-C in the middle of something short: it is finished, and then the Ctrl-C is heard."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from loadtests.compare import stopping


@pytest.fixture(params=stopping.SIGNALS, ids=lambda number: number.name)
def sent(request):
    before = signal.signal(request.param, stopping.as_ctrl_c)
    yield request.param
    signal.signal(request.param, before)


def test_what_is_run_is_finished_before_the_signal_is_heard(sent):
    done = []

    async def work() -> None:
        os.kill(os.getpid(), sent)
        await asyncio.sleep(0)
        done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        stopping.run(work())
    assert done == ["all of it"]
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), sent)


def test_whoever_asks_twice_does_not_wait_for_it(sent):
    done = []

    async def work() -> None:
        os.kill(os.getpid(), sent)
        os.kill(os.getpid(), sent)
        await asyncio.sleep(0)
        done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        stopping.run(work())
    assert done == []


def test_a_signal_is_heard_though_what_ran_has_failed(sent):
    async def work() -> None:
        os.kill(os.getpid(), sent)
        await asyncio.sleep(0)
        raise RuntimeError("the database is away")

    with pytest.raises(KeyboardInterrupt):
        stopping.run(work())


def test_what_is_never_to_be_interrupted_is_not_though_it_runs_something(sent):
    async def work() -> str:
        os.kill(os.getpid(), sent)
        return await asyncio.sleep(0, "whole")

    with stopping.never():
        assert stopping.run(work()) == "whole"
        os.kill(os.getpid(), sent)


def test_without_a_signal_it_is_only_run():
    async def work() -> str:
        return await asyncio.sleep(0, "whole")

    assert stopping.run(work()) == "whole"
