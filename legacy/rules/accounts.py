"""What an account may be: a role, the company that some roles work for, and a status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

STAFF_ROLES: Final = ("operator", "inspector", "driver")
ROLES: Final = ("passenger", *STAFF_ROLES, "admin")
STATUSES: Final = ("active", "suspended")


def standing_after(
    user: Mapping[str, Any], changes: Mapping[str, Any], *, is_self: bool
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Role, company and status after the changes, and what is wrong with them by field.

    Who leaves a company's service leaves the company. An admin cannot be demoted or suspended by their own
    hand: so there is always one left.
    """
    wanted = {name: changes.get(name, user[name]) for name in ("role", "company_id", "status")}
    works = wanted["role"] in STAFF_ROLES
    if not works and "company_id" not in changes:
        wanted["company_id"] = None
    errors = {}
    if works and wanted["company_id"] is None:
        errors["company_id"] = ["This role needs a company."]
    if not works and wanted["company_id"] is not None:
        errors["company_id"] = ["This role belongs to no company."]
    for name in ("role", "status"):
        if is_self and wanted[name] != user[name]:
            errors[name] = ["Somebody else has to do this to you."]
    return wanted, errors
