"""Who takes part, on each side: gathered through the site itself, and anew before their tokens are too old.

A cast belongs to its side: refresh tokens of one are unknown to the other. And to a time: whoever has renewed
a token in an earlier turn cannot renew it again from the file. What is gathered while reads are split is not
legacy's either: some of its answers came from the services, whose rows are others by then.
"""

from __future__ import annotations

import json
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loadtests.compare import children
from loadtests.compare.plan import CASTS_AFTER_S
from loadtests.compare.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

GATHERED_WITHIN_S: Final = 300.0


class Casts:
    """One file of pools for each side, which must be what answers when it is asked for."""

    def __init__(self, host: str, folder: Path, *, people: int, seed: int) -> None:
        self._host = host
        self._folder = folder
        self._people = people
        self._seed = seed
        self._gathered: dict[str, float] = {}
        self._paths: dict[str, Path] = {}
        self._numbers = count(1)

    def of(self, side: str, *, anew: bool = False, say: Callable[[str], object] = lambda _: None) -> Path:
        """The file, another one when gathered anew. Raises `Refused` if there is nobody to take part."""
        gathered = self._gathered.get(side)
        path = self._paths.get(side, Path())
        if anew or gathered is None or time.monotonic() - gathered > CASTS_AFTER_S:
            say(f"gathering the cast on {side}")
            began = time.monotonic()
            arguments = ["--host", self._host, "--people", str(self._people), "--seed", str(self._seed)]
            try:
                pools = children.run("loadtests.pools", arguments, within_s=GATHERED_WITHIN_S).whole()
            except children.Failed as error:
                raise Refused(
                    f"No cast could be gathered on {side}: {error}",
                    "It needs demo data with departures of the coming days: ./banyan demo",
                ) from error
            path = self._paths[side] = self._folder / f"pools-{side}-{next(self._numbers)}.json"
            path.write_text(json.dumps(pools), encoding="utf-8")
            path.chmod(0o600)  # tokens
            self._gathered[side] = began
        return path
