"""The company in a path, for those who work for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.database import POOL
from common.principals import Role, require_company
from common.wire import path_id
from services.company.service import companies

if TYPE_CHECKING:
    from uuid import UUID

    from aiohttp import web


async def company_of_staff(request: web.Request) -> UUID:
    """The company's id, for its staff and admins; raises 401 or 404."""
    return await _company_of(request)


async def company_of_operator(request: web.Request) -> UUID:
    """The company's id, for its operators and admins; raises 401, 403 or 404."""
    return await _company_of(request, Role.OPERATOR)


async def _company_of(request: web.Request, *roles: Role) -> UUID:
    company_id = path_id(request, "id")
    if require_company(request, company_id, *roles).is_admin:
        # Nobody works for a company that is not there, but an admin may ask for one.
        await companies.find_company(request.app[POOL], company_id)
    return company_id
