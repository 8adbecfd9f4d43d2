"""What selling needs besides a connection: the key of tickets' codes, words for mails, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.web.i18n import LANGUAGES
from legacy.keys import CONFIG, QR_KEYS

if TYPE_CHECKING:
    from aiohttp import web

    from common.tokens import KeyRing
    from common.web.i18n import Languages


@dataclass(frozen=True, slots=True)
class Desk:
    """`codes` signs tickets' codes; `public_url` is what links in mails start with."""

    codes: KeyRing
    languages: Languages
    public_url: str
    hold_s: int


def desk_of(app: web.Application) -> Desk:
    return Desk(app[QR_KEYS], app[LANGUAGES], app[CONFIG].public_url, app[CONFIG].hold_s)
