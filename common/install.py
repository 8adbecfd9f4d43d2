"""A service's tables: first those that `common` brings (kept answers, mails, events), then its own."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from common.migrations import migrate

COMPONENTS: Final = ("idempotency", "mail", "events")


async def migrate_service(dsn: str, folder: Path) -> list[str]:
    """Bring a service's database up to date and return the names of what has run."""
    done = []
    for component in COMPONENTS:
        done += await migrate(dsn, Path(str(files("common.sql").joinpath(component))), component=component)
    return done + await migrate(dsn, folder)
