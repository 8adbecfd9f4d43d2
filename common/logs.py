"""Logs as JSON lines on standard output, ours and those of libraries alike, with secrets masked."""

import logging
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

import orjson
import structlog
from structlog.typing import EventDict, Processor

from common.tracing import add_context

Format: TypeAlias = Literal["json", "text"]

MASK: Final = "•••"
_SECRET_WORDS: Final = (
    "password",
    "passwd",
    "secret",
    "token",
    "authorization",
    "cookie",
    "card",
    "cvc",
    "cvv",
    "otp",
    "api_key",
    "private",
)
_CREDENTIALS_IN_URL: Final = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")
_BEARER: Final = re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]+")


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in _SECRET_WORDS)


def _mask_text(text: str) -> str:
    if "://" in text:
        text = _CREDENTIALS_IN_URL.sub(rf"\1:{MASK}@", text)
    if "earer " in text or "EARER " in text:
        text = _BEARER.sub(rf"\1 {MASK}", text)
    return text


def _mask_value(value: Any) -> Any:
    if isinstance(value, str):
        return _mask_text(value)
    if isinstance(value, dict):
        return {key: MASK if _is_secret(str(key)) else _mask_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mask_value(item) for item in value]
    return value


def mask_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: values under telling names, credentials in URLs and bearer tokens stay in."""
    # The common case, a short text without secrets, comes first: this runs for every line.
    for name, value in event.items():
        if type(value) is str and not _is_secret(name):
            if "://" in value or "earer " in value or "EARER " in value:
                event[name] = _mask_text(value)
        elif name == "event":
            event[name] = _mask_value(value)
        elif value is not None and _is_secret(name):
            event[name] = MASK
        elif isinstance(value, dict | list | tuple):
            event[name] = _mask_value(value)
    return event


def add_timestamp(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: now in UTC, to the millisecond."""
    event["timestamp"] = datetime.now(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    return event


def _json_line(_logger: object, _method: str, event: EventDict) -> bytes:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS)


def _json_text(_logger: object, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()


def _name_service(service: str) -> Processor:
    def add_service(_logger: object, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return add_service


def configure_logging(level: str = "INFO", format: Format = "json", service: str = "banyan") -> None:  # ruff: ignore[builtin-argument-shadowing] — the variable is LOG_FORMAT
    """Set up structlog and the standard library's logging for a process; called once, by its ``__main__``."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        add_context,
        _name_service(service),
        structlog.processors.add_log_level,
        add_timestamp,
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    factory: structlog.BytesLoggerFactory | structlog.PrintLoggerFactory
    text: Processor
    if format == "json":
        line: Processor = _json_line
        text = _json_text
        factory = structlog.BytesLoggerFactory(sys.stdout.buffer)
    else:
        line = text = structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        factory = structlog.PrintLoggerFactory(sys.stdout)
    structlog.configure(
        processors=[*shared, line],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, text],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    # aiohttp's own access log would be a second line for each request.
    logging.getLogger("aiohttp.access").disabled = True
    logging.getLogger("asyncio").setLevel(max(number, logging.INFO))
