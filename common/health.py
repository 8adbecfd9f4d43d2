"""/healthz says that the process is alive and nothing more; /readyz, whether it should get requests."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

import orjson
import structlog
from aiohttp import web

CHECK_TIMEOUT_S: Final = 2.0

Check: TypeAlias = Callable[[web.Application], Awaitable[object]]

_log: Final = structlog.get_logger("health")


class Readiness:
    """The named checks of an application, and whether it is on its way out."""

    __slots__ = ("checks", "draining")

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self.checks = dict(checks)
        self.draining = False


READINESS: Final = web.AppKey("readiness", Readiness)


def add_health(app: web.Application, checks: Mapping[str, Check]) -> None:
    """Serve /healthz and /readyz; a check that raises, or takes longer than 2 s, makes the answer 503.

    A check gets the application, as ``database.check_pool`` does.
    """
    app[READINESS] = Readiness(checks)
    app.router.add_get("/healthz", show_alive)
    app.router.add_get("/readyz", show_ready)


async def show_alive(_request: web.Request) -> web.Response:  # ruff: ignore[unused-async] — aiohttp wants a coroutine
    return _answer({"status": "alive"})


async def show_ready(request: web.Request) -> web.Response:
    readiness = request.app[READINESS]
    if readiness.draining:
        return _answer({"status": "draining", "checks": {}}, 503)
    names = list(readiness.checks)
    results = await asyncio.gather(*(_outcome(request.app, name, readiness.checks[name]) for name in names))
    ready = all(result == "ok" for result in results)
    document: dict[str, object] = {
        "status": "ready" if ready else "not ready",
        "checks": dict(zip(names, results, strict=True)),
    }
    return _answer(document, 200 if ready else 503)


async def _outcome(app: web.Application, name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await check(app)
    except TimeoutError:
        _log.warning("check timed out", check=name)
        return "timeout"
    except Exception as error:  # ruff: ignore[blind-except] — whatever a check raises means that it failed
        _log.warning("check failed", check=name, error=repr(error))
        return "failed"
    return "ok"


def _answer(document: dict[str, object], status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(document),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
