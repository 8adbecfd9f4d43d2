"""All SQL of the service, by subject: functions that take a connection first."""

from __future__ import annotations

from typing import Any

Row = Any
"""An asyncpg.Record: read by column name."""
