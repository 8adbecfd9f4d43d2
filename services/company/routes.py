"""The API and the operator's pages, at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.company.pages import PAGES

if TYPE_CHECKING:
    from common.routing import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ()

__all__ = ["ENDPOINTS", "PAGES"]
