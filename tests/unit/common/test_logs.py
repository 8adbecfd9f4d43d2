import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from common.logs import MASK, configure_logging
from common.tracing import CURRENT, read_context


@pytest.fixture
def lines(monkeypatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Logging set up for a standard output of the test's own, and put back after it."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="utf-8", write_through=True))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging("info", "json", "legacy")
    yield lambda: [json.loads(line) for line in raw.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("aiohttp.access").disabled = False
    structlog.reset_defaults()


def test_a_line_is_json_with_time_level_and_service(lines):
    structlog.get_logger().info("started", port=8010)
    (line,) = lines()
    assert (line["event"], line["level"], line["service"], line["port"]) == (
        "started",
        "info",
        "legacy",
        8010,
    )
    assert line["timestamp"].endswith("Z")


def test_a_library_that_uses_logging_is_heard_in_the_same_form(lines):
    logging.getLogger("asyncpg").warning("%s connections", 5, extra={"pool": "main"})
    (line,) = lines()
    assert (line["event"], line["level"], line["logger"], line["pool"]) == (
        "5 connections",
        "warning",
        "asyncpg",
        "main",
    )


def test_what_is_below_the_level_is_not_written(lines):
    structlog.get_logger().debug("x")
    logging.getLogger("y").debug("x")
    assert lines() == []


def test_a_line_carries_the_ids_of_the_request(lines):
    token = CURRENT.set(read_context("abc", None))
    structlog.get_logger().info("x")
    logging.getLogger("y").warning("z")
    CURRENT.reset(token)
    assert [line["request_id"] for line in lines()] == ["abc", "abc"]


def test_secrets_are_masked_wherever_they_stand(lines):
    structlog.get_logger().info(
        "x",
        password="hunter2",
        headers={"Authorization": "Bearer hunter2", "Accept": "a"},
        items=[{"card_number": "hunter2"}],
        refresh_token="hunter2",
        url="postgresql://banyan:hunter2@localhost/db",
        note="sent Bearer hunter2.x-y",
        token=None,
    )
    (line,) = lines()
    assert "hunter2" not in json.dumps(line)
    assert line["password"] == MASK
    assert line["headers"] == {"Authorization": MASK, "Accept": "a"}
    assert line["url"] == f"postgresql://banyan:{MASK}@localhost/db"
    assert line["token"] is None


def test_a_traceback_is_one_line_and_masked(lines):
    error = RuntimeError("cannot connect to postgresql://banyan:hunter2@localhost/db")
    structlog.get_logger().error("failed", exc_info=error)
    (line,) = lines()
    assert "RuntimeError" in line["exception"]
    assert "hunter2" not in line["exception"]


def test_a_newline_in_a_value_does_not_make_a_line(lines):
    structlog.get_logger().info('x\n{"event": "forged"}', path="/a\nb")
    assert len(lines()) == 1


def test_what_json_does_not_know_is_written_as_its_repr(lines):
    structlog.get_logger().info("x", thing=object(), keys={1: {2}})
    assert lines()[0]["thing"].startswith("<object")


def test_text_is_for_people(lines, monkeypatch):
    text = io.StringIO()
    monkeypatch.setattr(sys, "stdout", text)
    configure_logging("debug", "text", "legacy")
    structlog.get_logger().info("started", port=8010)
    logging.getLogger("x").error("failed", exc_info=RuntimeError("gone"))
    assert "started" in text.getvalue()
    assert "port" in text.getvalue()
    assert "RuntimeError: gone" in text.getvalue()
