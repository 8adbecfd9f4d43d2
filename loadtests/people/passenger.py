"""Passengers: nine of ten who look for a bus only look; some see to what they have booked.

The mix follows what load tests of ticket shops have in common (Train Ticket's: home page, search there,
search back, a tenth goes on to book), with what is this site's own: seat maps, payment by webhook, codes,
refunds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from loadtests.people import belongings, buying, looking
from loadtests.people.person import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from locust.env import Environment

    from loadtests.people.cast import Cast
    from loadtests.pools import Passenger as Account


class Passenger(Visitor):
    role = "passenger"
    weight = 90
    account: Account

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.bought: list[buying.Bought] = []
        """In this run, and not cancelled."""

    @staticmethod
    def played_by(cast: Cast) -> Sequence[Account]:
        return cast.passengers

    errands: ClassVar[Mapping[Callable[[Passenger], None], int]] = {
        looking.look_for_a_bus: 62,
        looking.look_on_pages: 8,
        buying.buy: 8,
        looking.watch_seats: 4,
        belongings.look_at_bookings: 7,
        belongings.look_at_booking_pages: 2,
        belongings.fetch_codes: 3,
        belongings.cancel: 2,
        belongings.look_at_dashboard: 2,
        belongings.see_to_profile: 1,
        belongings.log_in_anew: 1,
    }
