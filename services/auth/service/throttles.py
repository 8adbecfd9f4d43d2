"""How often strangers may try: per account, so that nobody guesses a password, and per address."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Final

from common.problems import TooManyRequests
from services.auth.repository import throttles as queries

if TYPE_CHECKING:
    from common.database import Pool
    from services.auth.repository.throttles import Row

WINDOW: Final = timedelta(minutes=15)
FAILURES_PER_ACCOUNT: Final = 10
RESETS_PER_ADDRESS: Final = 20
RESETS_PER_ACCOUNT: Final = 3


def refuse(*waits: timedelta | None) -> None:
    """Raise TooManyRequests for the longest of the waits, if there is one."""
    longest = max((wait for wait in waits if wait is not None), default=None)
    if longest is not None:
        raise TooManyRequests("Too many attempts.", retry_after=max(1, ceil(longest.total_seconds())))


async def find_login(pool: Pool, account: str, address: str, per_address: int) -> Row:
    """What the account's password is checked against; raises TooManyRequests after too many failures."""
    login = await queries.get_login(pool, account, address, WINDOW, FAILURES_PER_ACCOUNT, per_address or None)
    refuse(login["account_wait"], login["address_wait"])
    return login


async def count_failure(pool: Pool, account: str, address: str, per_address: int) -> None:
    """Note a wrong password; raises TooManyRequests for one beyond the last that is let through.

    Those who guess at the same moment all pass the check before; after it, each counts those before it, so
    that no more of them learn that they were wrong than would have one after the other.
    """
    await queries.record_failure(pool, account, address)
    login = await queries.get_login(
        pool,
        account,
        address,
        WINDOW,
        FAILURES_PER_ACCOUNT + 1,
        per_address + 1 if per_address else None,
    )
    refuse(login["account_wait"], login["address_wait"])


async def count_registration(pool: Pool, address: str, most: int) -> None:
    """Raises TooManyRequests past `most` of an address; 0 is no limit."""
    if most:
        refuse(await queries.count_registration(pool, address, WINDOW, most))


async def count_reset(pool: Pool, address: str) -> None:
    """Raises TooManyRequests for an address that has asked for too many."""
    refuse(await queries.reset_wait(pool, address, WINDOW, RESETS_PER_ADDRESS))
