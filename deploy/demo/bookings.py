"""What demo passengers booked: past and future, in every state, never a seat-leg twice."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from deploy.demo import names
from deploy.demo.identifiers import new_id
from deploy.demo.rows import Booking, Payment, Refund, Ticket, Waiting

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from deploy.demo.rows import Company, Layout, Route, Trip, User

REFERENCE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_SPREAD, _START = 0x9E3779B97F, 0x5DEECE66D  # any odd number of 40 bits spreads; and any start will do
CARDS = (("visa", "4242"), ("mastercard", "4444"), ("visa", "0077"))
HOLD = timedelta(minutes=10)
SOLD_OUT_EACH = 2  # departures per company in the next days that have no seat left


def reference(index: int, nth: int) -> str:
    """Of a company's nth booking: as good as random, and never another booking's."""
    number = ((index << 14 | nth) * _SPREAD + _START) % (1 << 40)
    return "".join(REFERENCE_ALPHABET[number >> shift & 31] for shift in range(0, 40, 5))


class Way(NamedTuple):
    """A route as fares see it: the fares summed up at each stop, and stretches that cost something."""

    sums: list[int]
    stretches: list[tuple[int, int]]

    @classmethod
    def of(cls, route: Route) -> Way:
        sums = list(accumulate(stop.leg_fare for stop in route.stops))
        costing = [(i, j) for i in range(len(sums)) for j in range(i + 1, len(sums)) if sums[j] > sums[i]]
        return cls(sums, [(0, len(sums) - 1), *costing])


class Cabin(NamedTuple):
    """A layout as fares see it: its seats by name, and what each class costs."""

    seats: dict[str, dict[str, Any]]
    names: list[str]
    percent: dict[str, int]

    @classmethod
    def of(cls, layout: Layout) -> Cabin:
        seats = {seat["seat"]: seat for seat in layout.seats}
        return cls(seats, list(seats), {each["code"]: each["fare_percent"] for each in layout.classes})


class Booker:
    """Books seats of one company's departures, keeping track of what is taken."""

    def __init__(self, company: Company, index: int, random: Random, now: datetime) -> None:
        self.index = index
        self.company, self.random, self.now = company, random, now
        self.ways = {route.id: Way.of(route) for route in company.routes}
        self.cabins = {layout.id: Cabin.of(layout) for layout in company.layouts}
        self.over = now - timedelta(minutes=30)  # departures before then have left
        self.taken: dict[str, list[tuple[int, int]]] = {}

    def _below(self, most: int) -> int:
        """Any number from 0 on, but below `most`: what random.choice and randint throw, at half the price."""
        bits, throw = most.bit_length(), self.random.getrandbits
        chosen = throw(bits)
        while chosen >= most:
            chosen = throw(bits)
        return chosen

    def book_all(self) -> None:
        """Fill the company's departures: full soon, sparse later."""
        soon = [
            trip
            for trip in self.company.trips
            if timedelta(0) < trip.departs_at - self.now < timedelta(days=4)
        ]
        sold_out = {trip.id for trip in self.random.sample(soon, min(SOLD_OUT_EACH, len(soon)))}
        for trip in self.company.trips:
            self.taken = {}
            days = (trip.departs_at - self.now) / timedelta(days=1)
            if trip.id in sold_out and trip.status == "scheduled":
                self._sell_out(trip)
                continue
            many = (0, 0, 1, 1, 2, 3) if days < 5 else (0, 0, 0, 1)
            for _ in range(many[self._below(len(many))]):
                self._book(trip)
        if self.company.passengers[0].email.startswith("asha@"):
            self._book_for_asha()

    def _book_for_asha(self) -> None:
        """The passenger whose login is printed has a ticket to show and one to look forward to."""
        asha = self.company.passengers[0]
        coming = [
            trip
            for trip in self.company.trips
            if trip.departs_at > self.now + timedelta(hours=6) and trip.status == "scheduled"
        ]
        booked = {booking.trip.id for booking in self.company.bookings}
        for trip in [trip for trip in coming if trip.id not in booked][:2]:
            self.taken = {}
            self._book(trip, user=asha, status="confirmed", seats=2)

    def _sell_out(self, trip: Trip) -> None:
        last = len(self.ways[trip.route_id].sums) - 1
        seats = self.cabins[trip.layout_id].names
        while seats:
            group, seats = seats[:2], seats[2:]
            self._book(trip, status="confirmed", wanted=group, stretch=(0, last))
        for user in self.random.sample(self.company.passengers, 3):
            at = self.now - timedelta(hours=self.random.randint(1, 20))
            self.company.waiting.append(Waiting(self._id(at), trip.id, user.id, 0, last, 1, at))

    def _book(
        self,
        trip: Trip,
        *,
        user: User | None = None,
        status: str | None = None,
        seats: int | None = None,
        wanted: list[str] | None = None,
        stretch: tuple[int, int] | None = None,
    ) -> None:
        sums, stretches = self.ways[trip.route_id]
        by_seat, every_seat, percent = self.cabins[trip.layout_id]
        from_seq, to_seq = stretch or stretches[self._below(len(stretches))]
        status = status or self._status(trip)
        lasting = status in {"held", "confirmed"}
        free = every_seat
        if lasting and self.taken and not wanted:
            free = [seat for seat in every_seat if self._is_free(seat, from_seq, to_seq)]
        count = min(seats or (1, 1, 1, 2, 2, 3)[self._below(6)], len(free))
        chosen = wanted or self.random.sample(free, count)
        if not chosen:
            return
        if lasting:
            for seat in chosen:
                self.taken.setdefault(seat, []).append((from_seq, to_seq))
        user = user or self.company.passengers[self._below(len(self.company.passengers))]
        fare = sums[to_seq] - sums[from_seq]
        prices = [fare * percent[by_seat[seat]["class"]] // 100 for seat in chosen]
        self.company.bookings.append(
            self._booking(trip, user, status, from_seq, to_seq, [by_seat[seat] for seat in chosen], prices)
        )

    def _is_free(self, seat: str, from_seq: int, to_seq: int) -> bool:
        taken = self.taken.get(seat)
        return taken is None or all(to_seq <= start or end <= from_seq for start, end in taken)

    def _status(self, trip: Trip) -> str:
        if trip.status == "cancelled":
            return "cancelled"
        future = trip.departs_at > self.now + timedelta(hours=2)
        luck = self.random.random() * 100
        if luck < (72 if future else 76):
            return "confirmed"
        if luck < (84 if future else 88):
            return "cancelled"
        return "expired" if luck < 96 or not future else "held"

    def _booking(
        self,
        trip: Trip,
        user: User,
        status: str,
        from_seq: int,
        to_seq: int,
        seats: list[dict[str, Any]],
        prices: list[int],
    ) -> Booking:
        created_at = self._booked_at(trip, status)
        paid_at = created_at + timedelta(minutes=1 + self._below(8))
        cancelled_at = max(
            paid_at, min(self.now - timedelta(minutes=5), trip.departs_at - timedelta(hours=30))
        )
        refund_percent = self._refund_percent(trip, cancelled_at) if status == "cancelled" else 0
        tickets = tuple(
            self._ticket(trip, user, nth, seat, price, status, created_at, price * refund_percent // 100)
            for nth, (seat, price) in enumerate(zip(seats, prices, strict=True))
        )
        refund_due = sum(ticket.refund_due for ticket in tickets)
        paid = status in {"confirmed", "cancelled"}
        payment = (
            Payment(
                self._id(created_at),
                "succeeded",
                sum(prices),
                *CARDS[self._below(len(CARDS))],
                at=paid_at,
                entry_id=self._id(paid_at),
            )
            if paid
            else None
        )
        refund, reason = None, None
        if refund_due:
            reason = "trip cancelled" if trip.status == "cancelled" else "cancelled by passenger"
            refund = Refund(
                self._id(cancelled_at), refund_due, reason, cancelled_at, entry_id=self._id(cancelled_at)
            )
        updated_at = {"confirmed": paid_at, "cancelled": cancelled_at, "expired": created_at + HOLD}.get(
            status, created_at
        )
        return Booking(
            id=self._id(created_at),
            reference=reference(self.index, len(self.company.bookings)),
            user=user,
            trip=trip,
            from_seq=from_seq,
            to_seq=to_seq,
            status=status,
            total=sum(prices),
            refund_due=refund_due,
            refund_reason=reason,
            expires_at=created_at + HOLD,
            created_at=created_at,
            updated_at=updated_at,
            tickets=tickets,
            payment=payment,
            refund=refund,
        )

    def _booked_at(self, trip: Trip, status: str) -> datetime:
        if status == "held":
            return self.now - timedelta(seconds=self.random.randint(5, 120))
        latest = min(self.now - timedelta(hours=1), trip.departs_at - timedelta(hours=32))
        return latest - timedelta(minutes=self._below(9 * 24 * 60 + 1))

    def _refund_percent(self, trip: Trip, cancelled_at: datetime) -> int:
        if trip.status == "cancelled":
            return 100
        hours_before = (trip.departs_at - cancelled_at) / timedelta(hours=1)
        steps = self.company.refund_policy["steps"]
        return next((step["percent"] for step in steps if hours_before >= step["hours_before"]), 0)

    def _ticket(
        self,
        trip: Trip,
        user: User,
        nth: int,
        seat: dict[str, Any],
        price: int,
        status: str,
        created_at: datetime,
        refund_due: int,
    ) -> Ticket:
        chance = self.random.random
        scanned_at = None
        if status == "confirmed" and trip.departs_at < self.over and chance() < 0.92:
            scanned_at = trip.departs_at - timedelta(minutes=1 + int(chance() * 25))
        name = (
            user.full_name
            if nth == 0
            else f"{names.FIRST[int(chance() * len(names.FIRST))]} {user.full_name.split()[-1]}"
        )
        return Ticket(
            id=self._id(created_at),
            seat=seat["seat"],
            seat_class=seat["class"],
            deck=seat["deck"],
            passenger_name=name,
            age=4 + int(chance() * 75),
            gender="female" if chance() < 0.5 else "male",
            price=price,
            status=status,
            refund_due=refund_due,
            scanned_at=scanned_at,
            scan_id=self._id(scanned_at) if scanned_at else None,
        )

    def _id(self, at: datetime) -> bytes:
        return new_id(self.random, at)
