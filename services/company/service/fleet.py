"""A company's buses with their seat layouts, and its drivers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from common.database import transaction
from common.ids import uuid7
from common.instants import format_instant
from common.problems import NotFound, ValidationFailed
from common.unique import unique_or
from services.company.errors import BusInUse, DriverInUse, LicenceTaken, PlateTaken
from services.company.repository import fleet as repository
from services.company.repository import mirrors
from services.company.repository import schedule as schedule_repository

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from uuid import UUID

    from common.database import Connection, Pool
    from services.company.repository.fleet import Row

    FindStaff = Callable[[UUID, UUID], Awaitable[Mapping[str, Any] | None]]
    """Asks the owner of accounts for a company's member of staff: (company, user) → account."""


async def find_layout(pool: Pool, layout_id: UUID) -> Row:
    """The layout; raises NotFound."""
    layout = await repository.get_layout(pool, layout_id)
    if layout is None:
        raise NotFound
    return layout


async def create_layout(pool: Pool, company_id: UUID, wanted: Mapping[str, Any]) -> Row:
    """A layout, which never changes from now on."""
    return await repository.insert_layout(pool, {**wanted, "id": uuid7(), "company_id": company_id})


async def find_bus(pool: Pool, bus_id: UUID) -> Row:
    """The bus; raises NotFound."""
    bus = await repository.get_bus(pool, bus_id)
    if bus is None:
        raise NotFound
    return bus


async def create_bus(pool: Pool, company_id: UUID, wanted: Mapping[str, Any]) -> Row:
    """A new bus of the fleet; raises PlateTaken."""
    plate = " ".join(wanted["plate"].upper().split())
    bus = {"name": None, **wanted, "plate": plate, "id": uuid7(), "company_id": company_id}
    with unique_or(PlateTaken(f"There is a bus with the plate {plate}.")):
        made = await repository.insert_bus(pool, bus)
    if made is None:
        raise ValidationFailed({"layout_id": ["The company has no such layout."]})
    return made


async def change_bus(
    pool: Pool,
    bus_id: UUID,
    changes: Mapping[str, Any],
    *,
    is_current: Callable[[Row], None] | None = None,
) -> Row:
    """The bus with the changes; another layout, or to retire it, needs a bus without departures ahead."""
    async with transaction(pool) as conn:
        bus = await repository.lock_bus(conn, bus_id)
        if bus is None:
            raise NotFound
        if is_current is not None:
            is_current(bus)
        changed = {**bus, **changes}
        has_other_layout = changed["layout_id"] != bus["layout_id"]
        if has_other_layout:
            await require_layout(conn, bus["company_id"], changed["layout_id"])
        if has_other_layout or (changed["status"] == "retired" and bus["status"] != "retired"):
            ahead = await schedule_repository.trips_ahead_of_bus(conn, bus_id, datetime.now(UTC))
            if ahead:
                raise BusInUse(conflicts=conflicts_wire(ahead))
        return await repository.update_bus(conn, changed)


async def find_driver(pool: Pool, driver_id: UUID) -> Row:
    """The driver; raises NotFound."""
    driver = await repository.get_driver(pool, driver_id)
    if driver is None:
        raise NotFound
    return driver


async def create_driver(
    pool: Pool, company_id: UUID, wanted: Mapping[str, Any], *, find_staff: FindStaff
) -> Row:
    """A new driver; raises LicenceTaken."""
    driver = {"phone": None, "user_id": None, **wanted, "id": uuid7(), "company_id": company_id}
    await _require_staff(pool, company_id, driver["user_id"], find_staff)
    with unique_or(LicenceTaken(f"There is a driver with the licence {driver['licence']}.")):
        return await repository.insert_driver(pool, driver)


async def change_driver(
    pool: Pool,
    driver: Row,
    changes: Mapping[str, Any],
    *,
    find_staff: FindStaff,
    is_current: Callable[[Row], None] | None = None,
) -> Row:
    """The driver with the changes; only one without departures ahead can retire."""
    if changes.get("user_id") != driver["user_id"]:
        await _require_staff(pool, driver["company_id"], changes.get("user_id"), find_staff)
    with unique_or(LicenceTaken(f"There is a driver with the licence {changes.get('licence')}.")):
        async with transaction(pool) as conn:
            locked = await repository.lock_driver(conn, driver["id"])
            if locked is None:
                raise NotFound
            if is_current is not None:
                is_current(locked)
            changed = {**locked, **changes}
            if changed["status"] == "retired" and locked["status"] != "retired":
                ahead = await schedule_repository.trips_ahead_of_driver(conn, locked["id"], datetime.now(UTC))
                if ahead:
                    raise DriverInUse(conflicts=conflicts_wire(ahead))
            return await repository.update_driver(conn, changed)


def conflicts_wire(trips: Iterable[Row]) -> list[dict[str, Any]]:
    """Departures in the way, as problems name them."""
    return [{"departs_at": format_instant(trip["departs_at"]), "trip_id": trip["trip_id"]} for trip in trips]


async def require_layout(conn: Connection, company_id: UUID, layout_id: UUID) -> None:
    """Raise 422 unless the layout is one of the company's."""
    layout = await repository.get_layout(conn, layout_id)
    if layout is None or layout["company_id"] != company_id:
        raise ValidationFailed({"layout_id": ["The company has no such layout."]})


async def _require_staff(pool: Pool, company_id: UUID, user_id: UUID | None, find_staff: FindStaff) -> None:
    """The account is one of the company's staff, as far as is known here or else to the owner of accounts."""
    if user_id is None or await mirrors.works_for(pool, user_id, company_id):
        return
    member = await find_staff(company_id, user_id)
    if member is None:
        raise ValidationFailed({"user_id": ["The company has no such member of staff."]})
    await mirrors.keep_member_of_staff(pool, member)
