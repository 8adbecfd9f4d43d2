"""The commands of `banyan` that concern the local stack itself."""

from __future__ import annotations

import os
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from deploy.local import __main__ as local
from deploy.local.folders import local_folders
from deploy.local.keys import ring_file

if TYPE_CHECKING:
    from common.keyring import SigningKey


class Ring(StrEnum):
    """Which keys: those of access tokens, or those of QR codes."""

    TOKENS = "tokens"
    QR = "qr"


# A token lives for minutes; a ticket for as long as one may book ahead, and its code must verify at the door.
_KEPT: Final = {Ring.TOKENS: timedelta(days=7), Ring.QR: timedelta(days=400)}
_VARIABLES: Final = {Ring.TOKENS: "BANYAN_TOKEN_KEYS_FILE", Ring.QR: "BANYAN_QR_KEYS_FILE"}

keys = typer.Typer(no_args_is_help=True)


def run(
    port: Annotated[int, typer.Option(envvar="BANYAN_PORT", help="All other ports follow from it.")] = 8080,
) -> None:
    """Start the whole site on this machine; Ctrl-C stops it."""
    raise typer.Exit(local.main(["run", "--port", str(port)]))


def stop() -> None:
    """Stop what runs from this checkout."""
    raise typer.Exit(local.main(["stop"]))


def ps() -> None:
    """What runs from this checkout, process by process."""
    raise typer.Exit(local.main(["status"]))


@keys.command("list")
def list_keys() -> None:
    """Every key that verifies, and the one that signs."""
    from common.keyring import KeyRing  # ruff: ignore[import-outside-top-level] — not for `run` and `stop`

    table = Table("ring", "key", "made", "use")
    for ring in Ring:
        path = _file(ring)
        if not path.exists():
            continue
        held = KeyRing.from_file(path)
        for key in held.all_keys():
            table.add_row(
                ring.value, key.kid, f"{key.created:%Y-%m-%d %H:%M}Z", _use(key, held.signing_key())
            )
    if not table.row_count:
        Console(stderr=True).print("There are no keys yet; `make run` makes them at its first start.")
        raise typer.Exit(1)
    Console().print(table)


@keys.command("rotate")
def rotate_keys(ring: Annotated[Ring, typer.Argument(help="Whose key to replace.")]) -> None:
    """Sign with a new key from now on; the old one goes on verifying, so nobody is logged out."""
    from common.keyring import KeyRingError, rotate  # ruff: ignore[import-outside-top-level] — see above

    path = _file(ring)
    if not path.exists():
        Console(stderr=True).print("There are no keys yet; `make run` makes them at its first start.")
        raise typer.Exit(1)
    try:
        kid = rotate(path, keep=_KEPT[ring])
    except KeyRingError as error:
        Console(stderr=True).print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None
    Console().print(f"{kid} signs {ring.value} from now on; running processes notice within a second.")


def _file(ring: Ring) -> Path:
    named = os.environ.get(_VARIABLES[ring])
    return Path(named) if named else ring_file(local_folders(os.environ).secrets, ring)


def _use(key: SigningKey, signing: SigningKey) -> str:
    if key.kid == signing.kid:
        return "signs"
    return f"verifies, retired {key.retired:%Y-%m-%d %H:%M}Z" if key.retired else "verifies"
