"""A company's buses with their seat layouts, and its drivers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from common.database import transaction
from common.ids import uuid7
from common.instants import format_instant
from common.problems import Conflict, NotFound, ValidationFailed
from common.unique import unique_or
from legacy.queries import fleet as queries
from legacy.queries import schedule as schedule_queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from uuid import UUID

    from common.database import Connection, Pool
    from legacy.queries.fleet import Row


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


async def find_layout(pool: Pool, layout_id: UUID) -> Row:
    """The layout; raises NotFound."""
    layout = await queries.get_layout(pool, layout_id)
    if layout is None:
        raise NotFound
    return layout


async def create_layout(pool: Pool, company_id: UUID, wanted: Mapping[str, Any]) -> Row:
    """A layout, which never changes from now on."""
    return await queries.insert_layout(pool, {**wanted, "id": uuid7(), "company_id": company_id})


async def find_bus(pool: Pool, bus_id: UUID) -> Row:
    """The bus; raises NotFound."""
    bus = await queries.get_bus(pool, bus_id)
    if bus is None:
        raise NotFound
    return bus


async def create_bus(pool: Pool, company_id: UUID, wanted: Mapping[str, Any]) -> Row:
    """A new bus of the fleet; raises PlateTaken."""
    plate = " ".join(wanted["plate"].upper().split())
    bus = {"name": None, **wanted, "plate": plate, "id": uuid7(), "company_id": company_id}
    with unique_or(PlateTaken(f"There is a bus with the plate {plate}.")):
        async with transaction(pool) as conn:
            await _require_layout(conn, company_id, bus["layout_id"])
            return await queries.insert_bus(conn, bus)


async def change_bus(
    pool: Pool, bus_id: UUID, changes: Mapping[str, Any], *, is_current: Callable[[Row], None]
) -> Row:
    """The bus with the changes; another layout, or to retire it, needs a bus without departures ahead."""
    async with transaction(pool) as conn:
        bus = await queries.lock_bus(conn, bus_id)
        if bus is None:
            raise NotFound
        is_current(bus)
        changed = {**bus, **changes}
        await _require_layout(conn, bus["company_id"], changed["layout_id"])
        retires = changed["status"] == "retired" and bus["status"] != "retired"
        if retires or changed["layout_id"] != bus["layout_id"]:
            ahead = await schedule_queries.trips_ahead_of_bus(conn, bus_id, datetime.now(UTC))
            if ahead:
                raise BusInUse(conflicts=conflicts_wire(ahead))
        return await queries.update_bus(conn, changed)


async def find_driver(pool: Pool, driver_id: UUID) -> Row:
    """The driver; raises NotFound."""
    driver = await queries.get_driver(pool, driver_id)
    if driver is None:
        raise NotFound
    return driver


async def create_driver(pool: Pool, company_id: UUID, wanted: Mapping[str, Any]) -> Row:
    """A new driver; raises LicenceTaken."""
    driver = {"phone": None, "user_id": None, **wanted, "id": uuid7(), "company_id": company_id}
    with unique_or(LicenceTaken(f"There is a driver with the licence {driver['licence']}.")):
        async with transaction(pool) as conn:
            await _require_account(conn, driver)
            return await queries.insert_driver(conn, driver)


async def change_driver(
    pool: Pool, driver_id: UUID, changes: Mapping[str, Any], *, is_current: Callable[[Row], None]
) -> Row:
    """The driver with the changes; only one without departures ahead can retire."""
    with unique_or(LicenceTaken(f"There is a driver with the licence {changes.get('licence')}.")):
        async with transaction(pool) as conn:
            driver = await queries.lock_driver(conn, driver_id)
            if driver is None:
                raise NotFound
            is_current(driver)
            changed = {**driver, **changes}
            if changed["user_id"] != driver["user_id"]:
                await _require_account(conn, changed)
            if changed["status"] == "retired" and driver["status"] != "retired":
                ahead = await schedule_queries.trips_ahead_of_driver(conn, driver_id, datetime.now(UTC))
                if ahead:
                    raise DriverInUse(conflicts=conflicts_wire(ahead))
            return await queries.update_driver(conn, changed)


def conflicts_wire(trips: Iterable[Row]) -> list[dict[str, Any]]:
    """Departures in the way, as problems name them."""
    return [{"departs_at": format_instant(trip["departs_at"]), "trip_id": trip["trip_id"]} for trip in trips]


async def _require_layout(conn: Connection, company_id: UUID, layout_id: UUID) -> None:
    layout = await queries.get_layout(conn, layout_id)
    if layout is None or layout["company_id"] != company_id:
        raise ValidationFailed({"layout_id": ["The company has no such layout."]})


async def _require_account(conn: Connection, driver: Row) -> None:
    if driver["user_id"] is not None and not await queries.works_for(
        conn, driver["user_id"], driver["company_id"]
    ):
        raise ValidationFailed({"user_id": ["The company has no such member of staff."]})
