"""The service's API and pages, at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.ticketing.pages import PAGES

if TYPE_CHECKING:
    from common.routing import Endpoint
    from common.sweeps import Sweep

ENDPOINTS: tuple[Endpoint, ...] = ()
SWEEPS: tuple[Sweep, ...] = ()

__all__ = ["ENDPOINTS", "PAGES", "SWEEPS"]
