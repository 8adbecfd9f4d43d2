"""The wire of accounts and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import fields, validate, validates_schema
from marshmallow.exceptions import ValidationError

from common.instants import format_instant
from common.schemas import Email, IdField, Instant, Integer, ListQuery, Phone, StrictSchema, Text
from common.tokens import ACCESS_TOKEN_TTL_S
from services.auth.domain import LOCALES, ROLES, STAFF_ROLES, STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from services.auth.service.sessions import Session


class Flag(fields.Boolean):
    """`true` or `false`, and nothing that reads like them."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *args, **kwargs)


class Password(Text):
    """As typed; what a new one must be is the use case's to say."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(longest=1024, strip=False, metadata={"format": "password"}, **kwargs)


class WithCookie(StrictSchema):
    cookie = Flag(load_default=False, metadata={"description": "Set the tokens as cookies, too."})


class Registration(WithCookie):
    email = Email(required=True)
    password = Password(required=True)
    full_name = Text(required=True, longest=120)
    phone = Phone(allow_none=True, load_default=None)
    locale = fields.String(validate=validate.OneOf(LOCALES), load_default="en")


class Login(WithCookie):
    email = Email(required=True)
    password = Password(required=True)


class Refresh(StrictSchema):
    refresh_token = Text(longest=200, metadata={"description": "Left out by who has it as a cookie."})


class PasswordChange(StrictSchema):
    current_password = Password(required=True)
    new_password = Password(required=True)


class ResetRequest(StrictSchema):
    email = Email(required=True)


class ResetConfirmation(StrictSchema):
    token = Text(required=True, longest=200)
    new_password = Password(required=True)


class Nothing(StrictSchema):
    """An empty object."""


class UserQuery(ListQuery):
    q = Text(longest=100, load_default=None, metadata={"description": "Part of an address or a name."})
    role = fields.String(validate=validate.OneOf(ROLES), load_default=None)
    company_id = IdField(load_default=None)


class UserChanges(StrictSchema):
    role = fields.String(validate=validate.OneOf(ROLES))
    company_id = IdField(allow_none=True)
    status = fields.String(validate=validate.OneOf(STATUSES))

    @validates_schema
    @staticmethod
    def something(data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Name at least one field to change.")


class NewStaff(StrictSchema):
    email = Email(required=True)
    password = Password(required=True)
    full_name = Text(required=True, longest=120)
    role = fields.String(required=True, validate=validate.OneOf(STAFF_ROLES))
    phone = Phone(allow_none=True, load_default=None)


class User(StrictSchema):
    id = IdField(required=True)
    email = Email(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    company_id = IdField(required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    created_at = Instant(required=True)


class Opening(StrictSchema):
    """What an account was opened with, for whoever makes the profile of it."""

    user_id = IdField(required=True)
    email = Email(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    full_name = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    locale = fields.String(required=True, validate=validate.OneOf(LOCALES))
    created_at = Instant(required=True)


class UserPage(StrictSchema):
    items = fields.List(fields.Nested(User), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class Tokens(StrictSchema):
    access_token = fields.String(required=True)
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_in = Integer(required=True, metadata={"description": "Of the access token, in seconds."})
    refresh_token = fields.String(required=True)
    refresh_expires_in = Integer(required=True)
    user = fields.Nested(User, required=True)


class UserSession(StrictSchema):
    id = IdField(required=True)
    created_at = Instant(required=True)
    last_used_at = Instant(required=True)
    expires_at = Instant(required=True)
    user_agent = fields.String(required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)
    current = fields.Boolean(required=True)


class UserSessions(StrictSchema):
    items = fields.List(fields.Nested(UserSession), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class JsonWebKey(StrictSchema):
    kty = fields.String(required=True)
    crv = fields.String(required=True)
    kid = fields.String(required=True)
    x = fields.String(required=True)
    use = fields.String(required=True)
    alg = fields.String(required=True)


class JsonWebKeys(StrictSchema):
    keys = fields.List(fields.Nested(JsonWebKey), required=True)


def user_wire(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "email": row["email"],
        "role": row["role"],
        "company_id": str(row["company_id"]) if row["company_id"] else None,
        "status": row["status"],
        "created_at": format_instant(row["created_at"]),
    }


def registration_wire(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "user_id": str(row["id"]),
        "email": row["email"],
        "role": row["role"],
        "full_name": row["full_name"],
        "phone": row["phone"],
        "locale": row["locale"],
        "created_at": format_instant(row["created_at"]),
    }


def tokens_wire(session: Session, access_token: str, now: datetime) -> dict[str, Any]:
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_TTL_S,
        "refresh_token": session.refresh_token,
        "refresh_expires_in": max(0, int((session.expires_at - now).total_seconds())),
        "user": user_wire(session.user),
    }


def session_wire(row: Mapping[str, Any], current: object) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "created_at": format_instant(row["created_at"]),
        "last_used_at": format_instant(row["last_used_at"]),
        "expires_at": format_instant(row["expires_at"]),
        "user_agent": row["user_agent"],
        "address": row["address"],
        "current": row["id"] == current,
    }
