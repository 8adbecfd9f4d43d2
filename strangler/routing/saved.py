"""The last flag table on disk, so that a strangler that starts while Redis is away goes on where it was.

Written whole or not at all; several workers may write at once, and each reads what some worker wrote.
"""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any, Final

import orjson

from strangler.routing.snapshot import FlagTable

FILE_NAME: Final = "flags.json"
_FORMAT: Final = 1


class SavedTableUnusable(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """The file is there but cannot be used."""


def load_saved(folder: Path) -> FlagTable | None:
    """The table that was saved last; None if none was. Raises `SavedTableUnusable`."""
    path = folder / FILE_NAME
    try:
        document = orjson.loads(path.read_bytes())
        return _table(document)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SavedTableUnusable(
            f"{path} cannot be used ({type(error).__name__}: {error}); it is left out"
        ) from None


def save(folder: Path, table: FlagTable) -> None:
    """Raises OSError."""
    document = {
        "format": _FORMAT,
        "version": table.version,
        "lineage": table.lineage,
        "flags": {name: orjson.Fragment(raw) for name, raw in table.flags.items()},
        "groups": {name: orjson.Fragment(raw) for name, raw in table.groups.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(folder / FILE_NAME)
    except OSError:
        with contextlib.suppress(OSError):
            Path(aside).unlink()
        raise


def _table(document: Any) -> FlagTable:
    if document["format"] != _FORMAT:
        raise ValueError(f"format {document['format']!r} is not {_FORMAT}")
    version, lineage = document["version"], document["lineage"]
    if (
        isinstance(version, bool)
        or not isinstance(version, int)
        or not isinstance(lineage, (str, type(None)))
    ):
        raise TypeError("version or lineage is of the wrong type")
    flags = {str(name): orjson.dumps(value) for name, value in document["flags"].items()}
    groups = {str(name): orjson.dumps(value) for name, value in document["groups"].items()}
    return FlagTable(version, lineage, flags, groups)
