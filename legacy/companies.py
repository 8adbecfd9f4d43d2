"""Companies: whoever runs buses, sells seats on them and gives money back by a policy of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.database import transaction
from common.ids import uuid7
from common.problems import Conflict, NotFound, ValidationFailed
from common.unique import unique_or
from legacy.queries import companies as queries
from legacy.rules.companies import DEFAULT_REFUND_POLICY
from legacy.rules.places import slug

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from common.database import Pool
    from legacy.queries.companies import Row


class SlugTaken(Conflict):
    slug, title = "slug-taken", "Another company has this slug"


class CurrencyInUse(Conflict):
    slug, title = "currency-in-use", "The company's routes have fares in its currency"


class CompanySuspended(Conflict):
    slug, title = "company-suspended", "The company is suspended"


async def find_company(pool: Pool, company_id: UUID) -> Row:
    """The company; raises NotFound."""
    company = await queries.get_company(pool, company_id)
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
        return await queries.insert_company(pool, company)


async def change_company(
    pool: Pool, company_id: UUID, changes: Mapping[str, Any], *, is_current: Callable[[Row], None]
) -> Row:
    """The company with the changes; `is_current` refuses a stale one. Raises SlugTaken, CurrencyInUse."""
    with unique_or(SlugTaken(f"There is a company {changes.get('slug')}.")):
        async with transaction(pool) as conn:
            company = await queries.lock_company(conn, company_id)
            if company is None:
                raise NotFound
            is_current(company)
            changed = {**company, **changes}
            if changed["currency"] != company["currency"] and await queries.has_routes(conn, company_id):
                raise CurrencyInUse
            return await queries.update_company(conn, changed)
