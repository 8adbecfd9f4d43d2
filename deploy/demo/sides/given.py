"""What is given to all databases alike, beside a company itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.keyring import KeyRing
    from deploy.demo.sides.mirrored import Journeys
    from deploy.demo.sides.written import Departure, Sale


@dataclass(frozen=True, slots=True)
class Given:
    """`password_hash` is every demo account's; `qr_keys` sign the codes that legacy keeps, if it is to.

    The others are of the company that is written.
    """

    password_hash: str
    qr_keys: KeyRing
    sign: bool
    journeys: Journeys
    departures: list[Departure]
    sales: list[Sale]
