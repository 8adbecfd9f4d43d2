"""How the command line speaks: tables and sentences for people, JSON for programs, and never a traceback."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final, NoReturn

import asyncpg
import orjson
import typer
from redis.exceptions import RedisError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from common.config import ConfigError
from strangler.routing.flags import FlagError
from strangler.routing.refusals import ChangeRefused, NotLive
from strangler.routing.table import RouteTableError, UnknownRoute

REFUSED: Final = 1
NOT_UNDERSTOOD: Final = 2
_WIDTH_OF_A_PIPE: Final = 160


class CannotDo(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """A command cannot be done for a reason outside it."""

    def __init__(self, reason: str, next_step: str = "", code: int = REFUSED) -> None:
        self.reason = reason
        self.next_step = next_step
        self.code = code
        super().__init__(reason)


def console(*, stderr: bool = False) -> Console:
    """Made when it is needed, so that it writes to the streams as they are then."""
    made = Console(stderr=stderr, highlight=False)
    if not made.is_terminal:
        made.width = _WIDTH_OF_A_PIPE  # a table in a file is not cut off
    return made


def new_table(*columns: str, title: str | None = None) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim"
    )
    for column in columns:
        table.add_column(column, no_wrap=column in {"route", "version"}, overflow="fold")
    return table


def say(text: str) -> None:
    console().print(text, soft_wrap=True)


def warn(text: str, next_step: str = "") -> None:
    out = console(stderr=True)
    out.print(f"[yellow]{escape(text)}[/yellow]", soft_wrap=True)
    if next_step:
        out.print(f"  → {escape(next_step)}", soft_wrap=True)


def warn_of_source(trouble: str, origin: str) -> None:
    """The flags could not be read from Redis."""
    shown = {"record": "the database's record", "defaults": "what holds without any flag"}.get(origin, origin)
    warn(f"{trouble}. Shown is {shown}.", "How everything is: banyan status")


def say_json(document: Any) -> None:
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode() + "\n")


def run(command: Callable[[], Coroutine[Any, Any, int]], *, as_json: bool = False) -> NoReturn:
    """Run one command to its exit code; whatever stands in its way becomes a reason and a next step."""
    try:
        code = asyncio.run(command())
    except Exception as error:
        if os.environ.get("BANYAN_DEBUG"):
            raise
        code = _tell(understand(error), as_json=as_json)
    raise typer.Exit(code)


_MIGRATE: Final = "Make them: python -m strangler migrate"
_STATUS: Final = "How everything is: banyan status"
_UNDERSTOOD: Final[tuple[tuple[tuple[type[Exception], ...], str, str, int], ...]] = (
    # what happened, how it is said, what to do next, the exit code; the first that fits
    ((UnknownRoute,), "{}", "All routes: banyan routes", NOT_UNDERSTOOD),
    ((RouteTableError,), "{}", "Correct the file, or name another in BANYAN_ROUTES_FILE.", NOT_UNDERSTOOD),
    ((ConfigError,), "{}", "", NOT_UNDERSTOOD),
    ((asyncpg.UndefinedTableError,), "The strangler's database has no tables yet.", _MIGRATE, REFUSED),
    (
        (asyncpg.PostgresError, asyncpg.InterfaceError),
        "The strangler's database refuses: {}",
        _STATUS,
        REFUSED,
    ),
    ((RedisError,), "Redis does not answer: {}", _STATUS, REFUSED),
    ((OSError, TimeoutError), "The strangler's database does not answer: {}", _STATUS, REFUSED),
)


def understand(error: Exception) -> CannotDo:
    """The reason and the next step in an exception."""
    if isinstance(error, CannotDo):
        return error
    if isinstance(error, (ChangeRefused, NotLive)):
        return CannotDo(error.reason, error.next_step)
    if isinstance(error, FlagError):
        return CannotDo(f"{error.key}: {error.reason}", f"For example {error.example}", NOT_UNDERSTOOD)
    for kinds, said, next_step, code in _UNDERSTOOD:
        if isinstance(error, kinds):
            return CannotDo(said.format(str(error) or type(error).__name__), next_step, code)
    return CannotDo(
        f"Something unforeseen went wrong: {type(error).__name__}: {error}",
        "To see where, run it again with BANYAN_DEBUG=1; it is a bug worth reporting.",
    )


def _tell(what: CannotDo, *, as_json: bool) -> int:
    if as_json:
        say_json({"error": what.reason, "next_step": what.next_step or None})
        return what.code
    out = console(stderr=True)
    out.print(f"[red]{escape(what.reason)}[/red]", soft_wrap=True)
    if what.next_step:
        out.print(f"  → {escape(what.next_step)}", soft_wrap=True)
    return what.code
