"""The wire of companies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import fields, validate, validates_schema
from marshmallow.exceptions import ValidationError

from common.instants import format_instant
from common.money import exponent
from common.schemas import (
    Currency,
    Email,
    IdField,
    Instant,
    Integer,
    Phone,
    Slug,
    StrictSchema,
    Text,
    TimeZone,
)
from services.company.domain.companies import refund_policy_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUS = validate.OneOf(("active", "suspended"))


class RefundStep(StrictSchema):
    hours_before = Integer(required=True, minimum=0, maximum=24 * 365)
    percent = Integer(required=True, minimum=0, maximum=100)


class RefundPolicy(StrictSchema):
    """A step gives its percent back when a cancellation comes at least its hours before departure."""

    steps = fields.List(fields.Nested(RefundStep), required=True, validate=validate.Length(max=10))

    @validates_schema
    @staticmethod
    def fall(data: dict[str, Any], **_: Any) -> None:
        errors = refund_policy_errors(data["steps"])
        if errors:
            raise ValidationError(
                {path.removeprefix("refund_policy."): text for path, text in errors.items()}
            )


class HeldCurrency(Currency):
    """A currency that the ledger can hold: of at most two decimals."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> str:
        code: str = super()._deserialize(*args, **kwargs)
        if exponent(code) > 2:
            raise ValidationError("Currencies with three decimals are not sold in.")
        return code


class NewCompany(StrictSchema):
    name = Text(required=True, longest=120)
    slug = Slug(metadata={"description": "Made from the name if it is not given."})
    contact_email = Email(required=True)
    contact_phone = Phone(allow_none=True)
    time_zone = TimeZone(required=True)
    currency = HeldCurrency(required=True)
    refund_policy = fields.Nested(RefundPolicy)


class CompanyChanges(StrictSchema):
    name = Text(longest=120)
    slug = Slug()
    contact_email = Email()
    contact_phone = Phone(allow_none=True)
    time_zone = TimeZone()
    currency = HeldCurrency()
    refund_policy = fields.Nested(RefundPolicy)
    status = fields.String(validate=STATUS, metadata={"description": "Changed by admins only."})

    @validates_schema
    @staticmethod
    def something(data: dict[str, Any], **_: Any) -> None:
        require_a_change(data)


class Company(StrictSchema):
    id = IdField(required=True)
    name = Text(required=True)
    slug = Slug(required=True)
    contact_email = Email(required=True)
    contact_phone = Phone(required=True, allow_none=True)
    time_zone = TimeZone(required=True)
    currency = Currency(required=True)
    status = fields.String(required=True, validate=STATUS)
    refund_policy = fields.Nested(RefundPolicy, required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class CompanyPage(StrictSchema):
    items = fields.List(fields.Nested(Company), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def require_a_change(data: dict[str, Any]) -> None:
    """A PATCH changes at least one field."""
    if not data:
        raise ValidationError("Name at least one field to change.")


def company_wire(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "slug": row["slug"],
        "contact_email": row["contact_email"],
        "contact_phone": row["contact_phone"],
        "time_zone": row["time_zone"],
        "currency": row["currency"],
        "status": row["status"],
        "refund_policy": row["refund_policy"],
        "created_at": format_instant(row["created_at"]),
        "updated_at": format_instant(row["updated_at"]),
    }
