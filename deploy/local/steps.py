"""The kinds of step that a stack is made of; each may run again at the next start."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final

from deploy.local.parts import Command, Step
from deploy.local.readiness import NOT_YET, Probe, by_listening, by_request
from deploy.local.refusals import StartFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from deploy.local.processes import Spawner
    from deploy.local.stamps import Stamps

    Act = Callable[[Spawner], Awaitable[None]]

_EXTERNAL_WITHIN_S: Final = 10.0


def python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def program(
    name: str, environment: Mapping[str, str], arguments: tuple[str, ...], *, needs: tuple[str, ...]
) -> Step:
    """A Python module that runs to its end."""

    async def run(spawner: Spawner) -> None:
        await spawner.run(name, Command(python(*arguments), environment))

    return Step(name, run, needs)


def once(stamps: Stamps, digest: str, step: Step) -> Step:
    """The step, unless it was done at an earlier start from the same material."""

    async def act(spawner: Spawner) -> None:
        if not stamps.has(step.name, digest):
            await step.act(spawner)
            stamps.put(step.name, digest)

    return Step(step.name, act, step.needs)


def external(what: str, variable: str, probe: Probe) -> Act:
    """A server that somebody else runs has to answer soon, or the address is wrong."""
    return _until(probe, 0.2, f"{what} does not answer at the address in {variable}")


def first_page(url: str) -> Act:
    """The whole way that a reader comes has to be open."""
    return _until(by_request(url + "/", below=400), 0.05, "Everything runs, but the first page does not come")


def listening(redis_url: str, services: Iterable[str]) -> Act:
    """The services have to hear each other before what one does shows at another."""
    return _until(by_listening(redis_url, services), 0.05, "Everything runs, but events are not heard")


def _until(probe: Probe, pause_s: float, failure: str) -> Act:
    async def wait(_spawner: Spawner) -> None:
        deadline = asyncio.get_running_loop().time() + _EXTERNAL_WITHIN_S
        while True:
            try:
                await asyncio.wait_for(probe(), _EXTERNAL_WITHIN_S)
                return
            except NOT_YET as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise StartFailed(f"{failure}: {error}") from error
            await asyncio.sleep(pause_s)

    return wait
