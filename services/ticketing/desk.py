"""What selling needs besides a connection: words for mails, where links lead, how long seats are held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.web.i18n import LANGUAGES
from services.ticketing.keys import CONFIG

if TYPE_CHECKING:
    from aiohttp import web

    from common.web.i18n import Languages


@dataclass(frozen=True, slots=True)
class Desk:
    """`public_url` is what links in mails start with."""

    languages: Languages
    public_url: str
    hold_s: int


def desk_of(app: web.Application) -> Desk:
    return Desk(app[LANGUAGES], app[CONFIG].public_url, app[CONFIG].hold_s)
