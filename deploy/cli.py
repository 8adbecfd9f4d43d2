"""The console script `banyan`: the strangler's commands and those of this checkout under one name.

It finds the running local stack by itself (`.banyan/run/stack.json`), and whatever the environment says comes
first. Commands are imported when they are asked for, so that `--help` is quick and a part that is not there
does not take the others with it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import typer

from deploy.local.folders import local_folders
from deploy.local.marks import started

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STRANGLER: Final = "strangler.cli.app"


@dataclass(frozen=True, slots=True)
class Own:
    """A command of this checkout: where it is, and as which process it sees the stack."""

    module: str
    attribute: str
    help: str
    seen_as: Literal["legacy", "strangler", "demo"] = "legacy"


OWN: Final[Mapping[str, Own]] = {
    "run": Own("deploy.local.commands", "run", "Start the whole site on this machine."),
    "stop": Own("deploy.local.commands", "stop", "Stop what runs from this checkout."),
    "ps": Own("deploy.local.commands", "ps", "What runs from this checkout, process by process."),
    "keys": Own("deploy.local.commands", "keys", "List and rotate the signing keys."),
    "demo": Own("deploy.demo.cli", "demo", "Make more demo data, with a progress bar.", "demo"),
    "events": Own("deploy.events.cli", "app", "What the services tell each other.", "strangler"),
    "gtfs": Own("deploy.gtfs.cli", "app", "Import and export GTFS feeds."),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command named on the command line; exits."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    own = OWN.get(wanted) if wanted is not None else None
    seen_as = own.seen_as if own is not None else "strangler"
    for name, value in surroundings(seen_as, os.environ).items():
        os.environ.setdefault(name, value)
    compose(wanted)(arguments, prog_name="banyan")


def compose(wanted: str | None) -> typer.Typer:
    """The application with the wanted command in full and its siblings by name; all by name for None."""
    app = typer.Typer(
        name="banyan",
        help="Bus tickets, and the move from one monolith to six services, route by route.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
    )
    if wanted not in OWN:
        _add_strangler(app)
    for name, own in OWN.items():
        if name == wanted:
            _add_own(app, name, own)
        else:
            app.command(name, help=own.help)(_by_name)
    return app


def surroundings(seen_as: str, env: Mapping[str, str]) -> dict[str, str]:
    """What the stack's process of this name was told, if the stack runs; empty otherwise."""
    try:
        facts = json.loads(local_folders(env).stack.read_text(encoding="utf-8"))
        if started(facts["pid"]) != facts["started"]:
            return {}
        return {str(name): str(value) for name, value in facts["environments"][seen_as].items()}
    except (OSError, ValueError, KeyError):
        return {}


def _add_strangler(app: typer.Typer) -> None:
    try:
        strangler: typer.Typer = importlib.import_module(_STRANGLER).app
    except ModuleNotFoundError as error:
        if not _is_part_of(error, _STRANGLER):
            raise
        return
    app.registered_commands.extend(strangler.registered_commands)
    app.registered_groups.extend(strangler.registered_groups)
    app.registered_callback = strangler.registered_callback


def _add_own(app: typer.Typer, name: str, own: Own) -> None:
    try:
        found = getattr(importlib.import_module(own.module), own.attribute)
    except ModuleNotFoundError as error:
        if not _is_part_of(error, own.module):
            raise
        sys.exit(f"`banyan {name}` is not part of this checkout: there is no {own.module}.")
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=name, help=own.help)
    else:
        app.command(name)(found)


def _is_part_of(error: ModuleNotFoundError, module: str) -> bool:
    """Whether it is the module itself that is missing, and not something it needs."""
    return error.name is not None and (module == error.name or module.startswith(error.name + "."))


def _by_name() -> None:
    """Stands in the list of commands; the command itself is imported when it is called."""


if __name__ == "__main__":
    main()
