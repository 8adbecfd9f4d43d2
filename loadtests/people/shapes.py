"""The members of what the API answers, as `docs/wire.md` has them."""

from __future__ import annotations

from typing import Final


def _shape(names: str) -> frozenset[str]:
    return frozenset(names.split())


PLACE: Final = _shape("id kind name city time_zone lat lon")
OFFER: Final = _shape(
    "trip_id company_id company_name route_name from to duration_s delay_min price_from classes seats_left"
    " capacity"
)
SEAT_MAP: Final = _shape("trip_id from to status currency decks classes seats seats_left")
SEAT: Final = _shape("seat deck row column class price state")
BOOKING: Final = _shape(
    "id reference user_id trip_id company_id company_name route_name from to delay_min trip_status status"
    " expires_at total refund_due payment_id contact tickets created_at updated_at"
)
TICKET: Final = _shape(
    "id booking_id trip_id seat class deck from_seq to_seq passenger price status checked_in_at refund_due"
)
WHOLE_TICKET: Final = TICKET | _shape(
    "booking_reference booking_status company_name route_name from to delay_min trip_status serial"
)
REFUND_OFFER: Final = _shape("id booking_id ticket_ids percent amount expires_at")
WAITING: Final = _shape("id trip_id from_seq to_seq seats status position created_at")
PAYMENT: Final = _shape(
    "id booking_id provider status amount refunded next_action failure method checkout_url created_at"
    " updated_at refunds"
)
CODE: Final = _shape("ticket_id token kid serial not_before expires_at")
TOKENS: Final = _shape("access_token token_type expires_in refresh_token refresh_expires_in user")
PROFILE: Final = _shape("id email full_name phone locale updated_at")
TRAVELLER: Final = _shape("id name age gender created_at")
OWN_DASHBOARD: Final = _shape("trips_taken trips_upcoming cancelled spend upcoming by_month")
COMPANY_DASHBOARD: Final = _shape("from to totals by_day by_route")
TRIP: Final = _shape(
    "id company_id company_name route_id route_name bus_id bus_plate driver_id driver_name layout_id capacity"
    " service_date departs_at arrives_at delay_min status cancel_reason time_zone stops updated_at"
)
VERDICT: Final = _shape(
    "valid reason ticket_id trip_id seat passenger_name from_seq to_seq checked_in_at not_before expires_at"
)
CHECK_IN: Final = _shape("id ticket_id trip_id seat passenger_name scanned_at scanned_by nonce duplicate")
BATCH: Final = _shape("items recorded duplicates refused")
OFFLINE_LIST: Final = _shape("trip_id generated_at keys tickets revoked")
MANIFEST: Final = _shape("trip generated_at passengers counts")
