"""Companies: whoever runs buses, sells seats on them and gives money back by a policy of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.database import transaction
from common.ids import uuid7
from common.problems import NotFound, ValidationFailed
from common.unique import unique_or
from services.company.domain.companies import DEFAULT_REFUND_POLICY
from services.company.domain.places import slug
from services.company.errors import CurrencyInUse, SlugTaken
from services.company.repository import companies as repository

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from common.database import Pool
    from services.company.repository.companies import Row


async def find_company(pool: Pool, company_id: UUID) -> Row:
    """The company; raises NotFound."""
    company = await repository.get_company(pool, company_id)
    if company is None:
        raise NotFound
    return company


async def create_company(pool: Pool, wanted: Mapping[str, Any]) -> Row:
    """A new company, ready to sell; raises SlugTaken."""
    company = {
        "contact_phone": None,
        "refund_policy": DEFAULT_REFUND_POLICY,
        "slug": slug(wanted["name"])[:80].strip("-"),
        **wanted,
        "id": uuid7(),
    }
    if not company["slug"]:
        raise ValidationFailed({"slug": ["None can be made from the name: please give one."]})
    with unique_or(SlugTaken(f"There is a company {company['slug']}.")):
        return await repository.insert_company(pool, company)


async def change_company(
    pool: Pool,
    company_id: UUID,
    changes: Mapping[str, Any],
    *,
    is_current: Callable[[Row], None] | None = None,
) -> Row:
    """The company with the changes; `is_current` refuses a stale one. Raises SlugTaken, CurrencyInUse."""
    with unique_or(SlugTaken(f"There is a company {changes.get('slug')}.")):
        async with transaction(pool) as conn:
            company = await repository.lock_company(conn, company_id)
            if company is None:
                raise NotFound
            if is_current is not None:
                is_current(company)
            changed = {**company, **changes}
            if changed["currency"] != company["currency"] and await repository.has_routes(conn, company_id):
                raise CurrencyInUse
            return await repository.update_company(conn, changed)
