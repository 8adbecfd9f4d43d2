"""`python -m deploy.local run|stop|status|restart|clean`: the stack of this checkout."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.local import lock
from deploy.local.control import order
from deploy.local.folders import Folders, folders_of, local_folders, remove_short_folder
from deploy.local.ports import DESIGN_PORT, free_ports, loopback_hosts, ports_for
from deploy.local.refusals import CannotStart, StartFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STOP_WITHIN_S: Final = 90.0


def main(argv: Sequence[str] | None = None, env: Mapping[str, str] = os.environ) -> int:
    """Do what was asked; answers 2 for what stood in the way beforehand, 1 for what failed."""
    arguments = _parser(env).parse_args(argv)
    try:
        return _do(arguments, folders_of(Path(arguments.state)), env)
    except (CannotStart, StartFailed) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, CannotStart) else 1


def _do(arguments: argparse.Namespace, folders: Folders, env: Mapping[str, str]) -> int:
    match arguments.verb:
        case "run" if arguments.port == 0:
            with free_ports() as ports:
                return _run(arguments, folders, env, ports)
        case "run":
            return _run(arguments, folders, env, ports_for(arguments.port))
        case "stop":
            return _stop(folders)
        case "status":
            return _status(folders, as_json=arguments.json)
        case "restart":
            _say(f"{arguments.name} is {order(folders.control, 'restart', arguments.name)['state']}")
            return 0
        case _:
            return _clean(folders, sure=arguments.yes)


def _parser(env: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="The stack of this checkout.")
    state = str(local_folders(env).state)
    parser.add_argument(
        "--state", default=state, metavar="DIR", help="where it keeps everything (%(default)s)"
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="start everything, and stop it all on Ctrl-C")
    public_port = env.get("BANYAN_PORT") or str(DESIGN_PORT)
    run.add_argument("--port", type=_port, default=public_port,
                     help="the public port; all others follow from it; 0 for any that are free")  # fmt: skip
    run.add_argument("--only", default="", metavar="NAMES", help="these parts (a,b,c) and what they need")
    run.add_argument("--fast", action="store_true", help="for tests: nothing survives a power cut")
    run.add_argument("--no-demo", action="store_true", help="leave an empty system empty")
    run.add_argument(
        "--admin", metavar="EMAIL", help="make an admin; the password is in BANYAN_ADMIN_PASSWORD"
    )
    run.add_argument("--side", choices=("both", "legacy", "service"), default="both",
                     help="the monolith alone, or the services alone with all routes on them")  # fmt: skip
    run.add_argument("--owner", type=int, metavar="PID", help="stop when this process ends")
    run.add_argument("--quiet", action="store_true", help="log to files alone")
    verbs.add_parser("stop", help="stop the stack of this checkout")
    status = verbs.add_parser("status", help="what runs")
    status.add_argument("--json", action="store_true", help="for programs")
    verbs.add_parser("restart", help="stop and start one process").add_argument("name")
    clean = verbs.add_parser("clean", help="delete the stack's data, logs and keys")
    clean.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"{port} is not a port")
    return port


def _run(
    arguments: argparse.Namespace, folders: Folders, env: Mapping[str, str], ports: dict[str, int]
) -> int:
    # The servers' client libraries take a third of a second to import, which the other verbs need not pay.
    from deploy.local.applications import process_environment  # ruff: ignore[import-outside-top-level] — see above
    from deploy.local.draft import Options  # ruff: ignore[import-outside-top-level]
    from deploy.local.logs import Terminal, wants_colour  # ruff: ignore[import-outside-top-level] — see above
    from deploy.local.runner import Run, run  # ruff: ignore[import-outside-top-level]
    from deploy.local.stack import build  # ruff: ignore[import-outside-top-level]

    hosts = tuple(filter(None, env.get("BANYAN_BIND", "").split(","))) or (
        loopback_hosts() if arguments.port else ("127.0.0.1",)
    )
    if arguments.admin and not env.get("BANYAN_ADMIN_PASSWORD"):
        raise CannotStart("--admin makes an account: give its password in BANYAN_ADMIN_PASSWORD.")
    admin = (arguments.admin, env["BANYAN_ADMIN_PASSWORD"]) if arguments.admin else None
    demo = not arguments.no_demo
    workers = int(env.get("BANYAN_WORKERS") or min(2, os.cpu_count() or 1))
    options = Options(ports, hosts, arguments.fast, demo, admin, workers, arguments.side)
    stream = sys.stdout.buffer
    terminal = Terminal(None if arguments.quiet else stream, colour=wants_colour(stream, env), width=16)
    began = env.get("BANYAN_STARTED_AT")
    return run(
        Run(
            folders,
            lambda: build(folders, options, env),
            f"http://localhost:{ports['gateway']}",
            hosts,
            terminal,
            process_environment(env),
            tuple(filter(None, arguments.only.split(","))),
            arguments.owner,
            demo,
            float(began) if began else None,
        )
    )


def _stop(folders: Folders) -> int:
    pid = lock.holder(folders.lock)
    if pid is None:
        _say("Nothing of this checkout is running.")
        return 0
    if pid == 0:
        raise StartFailed(f"A runner holds {folders.lock}, but who it is cannot be told; it may be starting.")
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_WITHIN_S
    while lock.holder(folders.lock) is not None:
        if time.monotonic() > deadline:
            raise StartFailed(f"The runner, pid {pid}, has not stopped within {_STOP_WITHIN_S:.0f} s.")
        time.sleep(0.05)
    _say("Everything has stopped.")
    return 0


def _status(folders: Folders, *, as_json: bool) -> int:
    parts = order(folders.control, "status")["parts"]
    if as_json:
        _say(json.dumps(parts, indent=1))
        return 0
    width = max((len(part["name"]) for part in parts), default=0)
    for part in parts:
        pid = f"pid {part['pid']}" if part["pid"] else ""
        restarts = f"{part['restarts']} restarts" if part["restarts"] else ""
        _say(f"{part['name']:<{width}}  {part['state']:<11} {pid:<12} {restarts:<12} {part['note']}".rstrip())
    return 0 if all(part["state"] == "ready" for part in parts) else 1


def _clean(folders: Folders, *, sure: bool) -> int:
    if lock.holder(folders.lock) is not None:
        raise CannotStart(
            f"The stack is running ({lock.describe(folders.lock)}); stop it first with `make stop`."
        )
    if not folders.state.exists():
        _say("There is nothing to delete.")
        return 0
    if not sure and not _agrees(f"Delete {folders.state} with its database, keys, mails and logs? [y/N] "):
        _say("Nothing was deleted.")
        return 1
    elsewhere = folders.state / "elsewhere"
    if elsewhere.exists():
        shutil.rmtree(elsewhere.read_text(encoding="utf-8"), ignore_errors=True)
    remove_short_folder(folders)
    shutil.rmtree(folders.state)
    _say(f"{folders.state} is deleted.")
    return 0


def _agrees(question: str) -> bool:
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def _say(text: str) -> None:
    print(text)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
