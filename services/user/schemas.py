"""The wire of profiles, travellers and dashboards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import fields, validate, validates_schema
from marshmallow.exceptions import ValidationError

from common.instants import format_instant
from common.schemas import Email, IdField, Instant, Integer, LocalDate, Money, Phone, StrictSchema, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCALES = ("en", "hi")
GENDERS = ("female", "male", "other")


class ProfileChanges(StrictSchema):
    full_name = Text(longest=120)
    phone = Phone(allow_none=True)
    locale = fields.String(validate=validate.OneOf(LOCALES))

    @validates_schema
    @staticmethod
    def something(data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Name at least one field to change.")


class ProfileForm(StrictSchema):
    """The whole profile, as its page has it: a phone left empty is none."""

    full_name = Text(required=True, longest=120)
    phone = Phone(load_default=None)
    locale = fields.String(required=True, validate=validate.OneOf(LOCALES))


class Profile(StrictSchema):
    id = IdField(required=True)
    email = Email(required=True)
    full_name = fields.String(required=True)
    phone = Phone(required=True, allow_none=True)
    locale = fields.String(required=True, validate=validate.OneOf(LOCALES))
    updated_at = Instant(required=True)


class NewTraveller(StrictSchema):
    name = Text(required=True, longest=120)
    age = Integer(minimum=0, maximum=120, allow_none=True, load_default=None)
    gender = fields.String(validate=validate.OneOf(GENDERS), allow_none=True, load_default=None)


class Traveller(StrictSchema):
    id = IdField(required=True)
    name = fields.String(required=True)
    age = Integer(required=True, allow_none=True, minimum=0, maximum=120)
    gender = fields.String(required=True, allow_none=True, validate=validate.OneOf([*GENDERS, None]))
    created_at = Instant(required=True)


class TravellerPage(StrictSchema):
    items = fields.List(fields.Nested(Traveller), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class UpcomingTrip(StrictSchema):
    booking_id = IdField(required=True)
    reference = fields.String(required=True)
    trip_id = IdField(required=True)
    from_ = fields.String(required=True, data_key="from")
    to = fields.String(required=True)
    departs_at = Instant(required=True)
    time_zone = fields.String(required=True)
    seats = fields.List(fields.String(), required=True)


class MonthOfTravel(StrictSchema):
    month = fields.String(required=True, metadata={"examples": ["2026-05"]})
    trips = Integer(required=True)
    spend = Money(required=True)


class UserDashboard(StrictSchema):
    trips_taken = Integer(required=True)
    trips_upcoming = Integer(required=True)
    cancelled = Integer(required=True)
    spend = fields.List(Money(), required=True)
    upcoming = fields.List(fields.Nested(UpcomingTrip), required=True)
    by_month = fields.List(fields.Nested(MonthOfTravel), required=True)


class Period(StrictSchema):
    from_ = LocalDate(data_key="from", load_default=None)
    to = LocalDate(load_default=None)


class Rate(fields.Float):
    """A share from 0 to 1, or null of nothing."""

    def __init__(self) -> None:
        super().__init__(required=True, allow_none=True, validate=validate.Range(min=0, max=1))


class CompanyTotals(StrictSchema):
    bookings = Integer(required=True)
    tickets = Integer(required=True)
    revenue = Money(required=True)
    refunds = Money(required=True)
    cancellation_rate = Rate()
    load_factor = Rate()
    check_in_rate = Rate()


class DayOfSales(StrictSchema):
    date = LocalDate(required=True)
    tickets = Integer(required=True)
    revenue = Money(required=True)
    refunds = Money(required=True)


class RouteSales(StrictSchema):
    route_id = IdField(required=True)
    name = fields.String(required=True)
    departures = Integer(required=True)
    tickets = Integer(required=True)
    revenue = Money(required=True)
    load_factor = Rate()


class CompanyDashboard(StrictSchema):
    from_ = LocalDate(required=True, data_key="from")
    to = LocalDate(required=True)
    totals = fields.Nested(CompanyTotals, required=True)
    by_day = fields.List(fields.Nested(DayOfSales), required=True)
    by_route = fields.List(fields.Nested(RouteSales), required=True)


class PlatformTotals(StrictSchema):
    users = Integer(required=True)
    companies = Integer(required=True)
    departures = Integer(required=True)
    bookings = Integer(required=True)
    tickets = Integer(required=True)
    revenue = fields.List(Money(), required=True)
    refunds = fields.List(Money(), required=True)


class CompanySales(StrictSchema):
    company_id = IdField(required=True)
    name = fields.String(required=True)
    departures = Integer(required=True)
    tickets = Integer(required=True)
    revenue = Money(required=True)


class PlatformDay(StrictSchema):
    date = LocalDate(required=True)
    bookings = Integer(required=True)
    tickets = Integer(required=True)
    revenue = fields.List(Money(), required=True)
    refunds = fields.List(Money(), required=True)


class PlatformDashboard(StrictSchema):
    from_ = LocalDate(required=True, data_key="from")
    to = LocalDate(required=True)
    totals = fields.Nested(PlatformTotals, required=True)
    by_company = fields.List(fields.Nested(CompanySales), required=True)
    by_day = fields.List(fields.Nested(PlatformDay), required=True)


def profile_wire(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "email": row["email"],
        "full_name": row["full_name"],
        "phone": row["phone"],
        "locale": row["locale"],
        "updated_at": format_instant(row["updated_at"]),
    }


def traveller_wire(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "age": row["age"],
        "gender": row["gender"],
        "created_at": format_instant(row["created_at"]),
    }
