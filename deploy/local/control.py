"""Talking to a running stack: one JSON object a line over a unix socket that only its user may open."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from typing import TYPE_CHECKING, Any, Final

from deploy.local.refusals import CannotStart, StartFailed

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.local.supervisor import Supervisor

_LONGEST_ORDER: Final = 4096


class NotRunning(CannotStart):
    """No stack answers at this state folder."""


async def serve(path: Path, supervisor: Supervisor) -> asyncio.Server:
    """Listen for orders until the server is closed."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            said = await _answer_to(supervisor, await reader.readline())
            writer.write(json.dumps(said).encode() + b"\n")
            await writer.drain()
        except (ConnectionError, ValueError):
            pass  # whoever asked is gone, or sent a line without an end
        finally:
            writer.close()

    mask = os.umask(0o177)  # the socket is private from its first moment on
    try:
        return await asyncio.start_unix_server(answer, path, limit=_LONGEST_ORDER)
    finally:
        os.umask(mask)


async def _answer_to(supervisor: Supervisor, line: bytes) -> dict[str, Any]:
    try:
        return await _obey(supervisor, json.loads(line))
    except (StartFailed, KeyError, ValueError, TypeError) as error:
        return {"error": str(error) or type(error).__name__}


def order(path: Path, do: str, name: str = "", *, timeout_s: float = 60.0, **more: Any) -> dict[str, Any]:
    """Give an order and wait for the answer; raises NotRunning, or StartFailed with what the runner says."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NotRunning("The stack of this checkout is not running; `make run` starts it.") from error
        connection.sendall(json.dumps({"do": do, "name": name, **more}).encode() + b"\n")
        with connection.makefile("rb") as answers:
            answer: dict[str, Any] = json.loads(answers.readline() or b'{"error": "the runner hung up"}')
    if "error" in answer:
        raise StartFailed(answer["error"])
    return answer


async def _obey(supervisor: Supervisor, wanted: dict[str, Any]) -> dict[str, Any]:
    do, name = wanted["do"], wanted.get("name", "")
    if do == "status":
        return {"parts": status(supervisor)}
    if name not in supervisor.units:
        raise StartFailed(f"There is no process {name!r}; there are: {', '.join(supervisor.units)}.")
    match do:
        case "stop":
            await supervisor.stop_unit(name)
        case "start":
            await supervisor.start_unit(name)
        case "restart":
            await supervisor.stop_unit(name)
            await supervisor.start_unit(name)
        case "kill":
            number = signal.Signals[wanted.get("signal", "SIGKILL")]
            return {"pid": supervisor.kill_unit(name, number)}
        case _:
            raise StartFailed(f"The runner knows no order {do!r}.")
    return {"state": supervisor.units[name].state}


def status(supervisor: Supervisor) -> list[dict[str, Any]]:
    """Each process: name, state, pid, restarts."""
    return [
        {
            "name": name,
            "state": unit.state,
            "pid": unit.child.pid if unit.child is not None and not unit.child.exited.done() else None,
            "restarts": unit.restarts,
            "note": unit.spec.note,
        }
        for name, unit in supervisor.units.items()
    ]
