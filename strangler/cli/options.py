"""The options that several commands share, so that they are spelt and explained alike."""

import getpass
from typing import Annotated, TypeAlias

import typer

from strangler.cli.output import CannotDo

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="For programs.")]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")]
Who: TypeAlias = Annotated[
    str | None, typer.Option("--as", metavar="WHO", help="Who does it; your login by default.")
]
Why: TypeAlias = Annotated[str, typer.Option("--why", help="Why; kept on record with who and when.")]


def whoever(given: str | None) -> str:
    """Who is named, else who is logged in here."""
    if given is not None:
        return given
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise CannotDo("Your login has no name here.", "Say who you are: --as NAME") from None
