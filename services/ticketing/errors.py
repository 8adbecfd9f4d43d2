"""What selling refuses, each with the slug that the wire calls it by."""

from __future__ import annotations

from common.problems import Conflict


class SeatsTaken(Conflict):
    """`seats` names those of the wanted seats that somebody else has."""

    slug, title = "seats-taken", "Some of these seats have just been taken"


class TripClosed(Conflict):
    slug, title = "trip-closed", "Seats of this departure are not sold any more"


class TooManyHolds(Conflict):
    slug, title = "too-many-holds", "You hold too many seats already"


class NotCancellable(Conflict):
    """`reason` is one of expired, cancelled, departed, checked-in."""

    slug, title = "not-cancellable", "This cannot be cancelled any more"


class OfferExpired(Conflict):
    slug, title = "offer-expired", "The refund offer is over"


class NotConfirmed(Conflict):
    slug, title = "not-confirmed", "The ticket is not confirmed"


class ReissuedTooOften(Conflict):
    slug, title = "reissued-too-often", "The ticket cannot be given another code"


class SeatsAvailable(Conflict):
    slug, title = "seats-available", "There are seats enough"


class AlreadyWaiting(Conflict):
    slug, title = "already-waiting", "You are waiting for this departure already"
