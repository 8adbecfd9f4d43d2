"""Why something is refused: each problem names the fact."""

from __future__ import annotations

from common.problems import Conflict


class SlugTaken(Conflict):
    slug, title = "slug-taken", "Another company has this slug"


class CurrencyInUse(Conflict):
    slug, title = "currency-in-use", "The company's routes have fares in its currency"


class CompanySuspended(Conflict):
    slug, title = "company-suspended", "The company is suspended"


class PlateTaken(Conflict):
    slug, title = "plate-taken", "There is a bus with this plate already"


class LicenceTaken(Conflict):
    slug, title = "licence-taken", "There is a driver with this licence already"


class BusInUse(Conflict):
    """Departures ahead rely on the bus as it is; `conflicts` names them."""

    slug, title = "bus-in-use", "The bus has departures ahead: assign them another bus first"


class DriverInUse(Conflict):
    """Departures ahead rely on the driver; `conflicts` names them."""

    slug, title = "driver-in-use", "The driver has departures ahead: assign them another driver first"


class CodeTaken(Conflict):
    slug, title = "code-taken", "The company has a stop with this code already"


class RouteInUse(Conflict):
    slug, title = "route-in-use", "The route has departures: its stops cannot change any more"


class BusBusy(Conflict):
    """`conflicts` names the departures in the way; one without a trip is of this very request."""

    slug, title = "bus-busy", "The bus is on another departure at this time"


class DriverBusy(Conflict):
    """`conflicts` names the departures in the way; one without a trip is of this very request."""

    slug, title = "driver-busy", "The driver is on another departure at this time"


class LayoutMismatch(Conflict):
    """`seats` names those that were sold and the bus lacks."""

    slug, title = "layout-mismatch", "Seats were sold that this bus does not have"


class TripCancelled(Conflict):
    slug, title = "trip-cancelled", "The departure is cancelled, and that is final"


class TripOver(Conflict):
    slug, title = "trip-over", "The departure has arrived already"
