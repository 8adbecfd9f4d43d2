"""Makes one demo company with its fleet, network, a month of departures, and what passengers booked.

Pure: the same seed, index and now give the same rows. Nothing here knows a database. What it was made for
is in a company's id: whoever has that can have the rest made once more (`made_at`).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from zoneinfo import ZoneInfo

from deploy.demo import LOGINS, names
from deploy.demo.bookings import Booker
from deploy.demo.identifiers import instant_of, new_id, tail
from deploy.demo.layouts import plans
from deploy.demo.places import CITIES, CORRIDORS, TIME_ZONE, road_km
from deploy.demo.rows import Bus, Company, Driver, Layout, Route, RouteStop, Stop, Traveller, Trip, User

SEED, SOME_DAY = 20_260_501, datetime(2026, 5, 1, tzinfo=UTC)
DAYS_BACK, DAYS_AHEAD = 10, 30
PASSENGERS, WITH_FAMILY_EACH = 75, 15
CORRIDORS_EACH, BUSES_EACH = 5, 15
BUSES_PER_CORRIDOR = BUSES_EACH // CORRIDORS_EACH
SPEED_KMH, HALT_S, CITY_HOP_KM = 52, 900, 8
AGE_DAYS, ADMIN_AGE = (200, 390), timedelta(days=400)
PAISE_PER_KM, FARE_STEP = 150, 500
DEPARTURE_HOURS = (6, 14, 21)
POLICIES = (
    ((48, 90), (24, 75), (6, 50)),
    ((24, 90), (12, 50)),
    ((72, 100), (24, 80), (4, 25)),
    ((12, 85),),
)


def slug(text: str) -> str:
    """Lower case words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def company_slug(index: int) -> str:
    """What demo company `index` is called in addresses."""
    return slug(names.company_name(index))


def tail_of(index: int, seed: int = SEED) -> int:
    """What the ids of demo company `index` end in, whenever it is made."""
    return tail(_found(index, SOME_DAY, seed)[1])


def made_at(index: int, company_id: bytes, seed: int = SEED) -> datetime | None:
    """For which `now` this was made as demo company `index`; None if it was not."""
    founded = instant_of(company_id)
    days = _first_random(index, seed).randint(*AGE_DAYS)
    now = founded + timedelta(days=days)
    return now if _found(index, now, seed)[1] == company_id else None


def admin(now: datetime, seed: int = SEED) -> User:
    """The platform's demo admin."""
    at = now - ADMIN_AGE
    return User(new_id(Random(f"{seed}:admin"), at), LOGINS[-1][1], "admin", None, "Admin", None, "en", at)  # ruff: ignore[suspicious-non-cryptographic-random-usage]


def admin_made_at(admin_id: bytes, seed: int = SEED) -> datetime | None:
    """For which `now` this was made as the demo's admin; None if it was not."""
    now = instant_of(admin_id) + ADMIN_AGE
    return now if admin(now, seed).id == admin_id else None


def _first_random(index: int, seed: int) -> Random:
    return Random(f"{seed}:{index}")  # ruff: ignore[suspicious-non-cryptographic-random-usage] — demo data wants to be foreseeable


def _found(index: int, now: datetime, seed: int) -> tuple[Random, bytes, datetime]:
    random = _first_random(index, seed)
    founded = now - timedelta(days=random.randint(*AGE_DAYS))
    return random, new_id(random, founded), founded


def company(index: int, now: datetime, seed: int = SEED) -> Company:
    """Everything of demo company `index`."""
    random, company_id, founded = _found(index, now, seed)
    name = names.company_name(index)
    mail_domain = f"{slug(name.split()[0]) if index < len(names.COMPANIES) else slug(name)}.example"
    steps = [
        {"hours_before": hours, "percent": percent} for hours, percent in POLICIES[index % len(POLICIES)]
    ]
    made = Company(
        id=company_id,
        name=name,
        slug=slug(name),
        contact_email=f"help@{mail_domain}",
        contact_phone=f"+91 80 4{index % 10_000_000:07d}",
        refund_policy={"steps": steps},
        created_at=founded,
        made_for=now,
    )
    _hire(made, random, founded, mail_domain)
    _buy_buses(made, index, random, founded)
    _draw_network(made, index, random, founded)
    _plan_departures(made, random, now)
    _invite_passengers(made, index, random, now)
    booker = Booker(made, index, random, now)
    booker.book_all()
    return made


def _person(random: Random) -> str:
    return f"{random.choice(names.FIRST)} {random.choice(names.LAST)}"


def _phone(random: Random) -> str:
    return f"+91 9{random.randint(0, 999_999_999):09d}"


def _hire(made: Company, random: Random, at: datetime, mail_domain: str) -> None:
    for account, role in (
        ("operator", "operator"),
        ("inspector", "inspector"),
        ("inspector2", "inspector"),
        ("driver", "driver"),
    ):
        email = f"{account}@{mail_domain}"
        made.staff.append(
            User(new_id(random, at), email, role, made.id, _person(random), _phone(random), "en", at)
        )


def _buy_buses(made: Company, index: int, random: Random, at: datetime) -> None:
    made.layouts.extend(Layout(new_id(random, at), *plan) for plan in plans())
    state = names.PLATE_STATES[index % len(names.PLATE_STATES)]
    for number in range(BUSES_EACH):
        nth = index * BUSES_EACH + number
        plate = f"{state} {nth // 10_000 + 1:02d} BN {nth % 10_000:04d}"
        layout = made.layouts[number % len(made.layouts)]
        made.buses.append(Bus(new_id(random, at), plate, f"{layout.name} {number + 1}", layout.id))
        user_id = made.staff[-1].id if number == 0 else None
        made.drivers.append(
            Driver(new_id(random, at), _person(random), _phone(random), f"{state}{nth:011d}", user_id)
        )


def _draw_network(made: Company, index: int, random: Random, at: datetime) -> None:
    first_four = index < len(names.COMPANIES)
    corridors = (
        CORRIDORS[index * CORRIDORS_EACH : (index + 1) * CORRIDORS_EACH]
        if first_four
        else random.sample(CORRIDORS, CORRIDORS_EACH)
    )
    for city in sorted({city for corridor in corridors for city in corridor}):
        place = CITIES[city]
        for number, stop in enumerate(place.stops):
            lat, lon = (round(at_ + random.uniform(-0.04, 0.04), 5) for at_ in (place.lat, place.lon))
            made.stops.append(
                Stop(
                    new_id(random, at),
                    f"{slug(city)[:5].upper()}{number + 1}",
                    stop,
                    city,
                    slug(city),
                    lat,
                    lon,
                )
            )
    for number, corridor in enumerate(corridors):
        there, back = (
            _route(made, number * 2, corridor, random, at),
            _route(made, number * 2 + 1, corridor[::-1], random, at),
        )
        made.routes.extend((there, back))


def _route(made: Company, number: int, cities: tuple[str, ...], random: Random, at: datetime) -> Route:
    """A route through these cities: two stops where it starts, one or two in each city after."""
    calls: list[tuple[Stop, int]] = []  # stop, km from the stop before
    previous: str | None = None
    for city in cities:
        stops = [stop for stop in made.stops if stop.city == city][
            : 1 if 0 < cities.index(city) < len(cities) - 1 else 2
        ]
        if previous is None:
            stops.reverse()  # leave from the stop at the edge of the city last
        for place, stop in enumerate(stops):
            calls.append(
                (stop, road_km(CITIES[previous], CITIES[city]) if previous and place == 0 else CITY_HOP_KM)
            )
        previous = city
    rows: list[RouteStop] = []
    clock_s, total_km = 0, 0
    for seq, (stop, km) in enumerate(calls):
        arrive_s = clock_s + (0 if seq == 0 else round(km / SPEED_KMH * 60) * 60)
        halt = HALT_S if 0 < seq < len(calls) - 1 and km > CITY_HOP_KM else 0
        fare = 0 if seq == 0 else km * PAISE_PER_KM // FARE_STEP * FARE_STEP
        rows.append(RouteStop(stop.id, arrive_s, arrive_s + halt, fare))
        clock_s, total_km = arrive_s + halt, total_km + (0 if seq == 0 else km)
    name = f"{cities[0]} to {cities[-1]}" + (f" via {cities[len(cities) // 2]}" if len(cities) > 2 else "")
    return Route(new_id(random, at), f"R{number + 1}", name, total_km, tuple(rows))


def _plan_departures(made: Company, random: Random, now: datetime) -> None:
    """Each bus runs one corridor, there one day and back the next: never in two places at once."""
    zone = ZoneInfo(TIME_ZONE)
    today = now.astimezone(zone).date()
    for number, (bus, driver) in enumerate(zip(made.buses, made.drivers, strict=True)):
        corridor, turn = divmod(number, BUSES_PER_CORRIDOR)
        leaves = time(DEPARTURE_HOURS[turn], random.choice((0, 15, 30, 45)))
        for day in range(-DAYS_BACK, DAYS_AHEAD + 1):
            on = today + timedelta(days=day)
            route = made.routes[corridor * 2 + (on.toordinal() + turn) % 2]
            made.trips.append(_departure(random, now, route, bus, driver, on, leaves, zone))


def _departure(
    random: Random,
    now: datetime,
    route: Route,
    bus: Bus,
    driver: Driver,
    on: date,
    leaves: time,
    zone: ZoneInfo,
) -> Trip:
    departs_at, announced_at = _instants(on, leaves, zone)
    luck = random.random()
    delay_min = random.choice((10, 15, 20, 40)) if luck < 0.06 and departs_at < now + timedelta(days=1) else 0
    cancelled = 0.06 <= luck < 0.07
    return Trip(
        id=new_id(random, announced_at),
        route_id=route.id,
        layout_id=bus.layout_id,
        bus_id=bus.id,
        driver_id=driver.id,
        service_date=on,
        departs_at=departs_at,
        arrives_at=departs_at + timedelta(seconds=route.stops[-1].arrive_s),
        delay_min=delay_min,
        status="cancelled" if cancelled else "scheduled",
        cancel_reason="Engine trouble" if cancelled else None,
        created_at=announced_at,
    )


@lru_cache(maxsize=1 << 12)
def _instants(on: date, leaves: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a bus leaves, and since when that is known: of many buses the same."""
    departs_at = datetime.combine(on, leaves, zone).astimezone(UTC)
    return departs_at, departs_at - timedelta(days=35)


def _invite_passengers(made: Company, index: int, random: Random, now: datetime) -> None:
    for number in range(PASSENGERS):
        nth = index * PASSENGERS + number
        at = now - timedelta(days=random.randint(12, 180), minutes=random.randint(0, 1400))
        known = nth == 0
        name = "Asha Rao" if known else _person(random)
        email = LOGINS[0][1] if known else f"passenger-{nth:05d}@demo.example"
        locale = "hi" if random.random() < 0.2 and not known else "en"
        user = User(new_id(random, at), email, "passenger", None, name, _phone(random), locale, at)
        made.passengers.append(user)
        if number % WITH_FAMILY_EACH == 0:
            _bring_family(made, user, random)


def _bring_family(made: Company, user: User, random: Random) -> None:
    """Two whom a passenger books for."""
    family = user.full_name.split()[-1]
    for age in (random.randint(25, 45), random.randint(3, 14)):
        first = random.choice(names.FIRST)
        gender = "female" if first in names.WOMEN else "male"
        traveller_id = new_id(random, user.created_at)
        made.travellers.append(
            Traveller(traveller_id, user.id, f"{first} {family}", age, gender, user.created_at)
        )
