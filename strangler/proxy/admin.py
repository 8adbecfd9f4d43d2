"""The admin port:

`/healthz`, `/readyz`, `/metrics` for all workers together. Never on the proxy's own port.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from strangler.proxy.metrics import merge, render

if TYPE_CHECKING:
    from strangler.proxy.supervisor import Supervisor


@asynccontextmanager
async def serve_admin(supervisor: "Supervisor") -> AsyncGenerator[web.AppRunner, None]:
    """Serve until the block ends."""

    async def show_health(_request: web.Request) -> web.Response:
        reports = await supervisor.reports()
        return _json(health(reports), 200)

    async def show_ready(_request: web.Request) -> web.Response:
        reports = await supervisor.reports()
        ready = not supervisor.stopping.is_set() and all(report is not None for report in reports)
        status = "ready" if ready else "draining" if supervisor.stopping.is_set() else "not ready"
        return _json(
            {"status": status, "workers": sum(report is not None for report in reports)},
            200 if ready else 503,
        )

    async def show_metrics(_request: web.Request) -> web.Response:
        reports = [report for report in await supervisor.reports() if report is not None]
        text = render(merge(report["cells"] for report in reports), gauges(reports))
        return web.Response(
            body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    app = web.Application()
    app.router.add_get("/healthz", show_health)
    app.router.add_get("/readyz", show_ready)
    app.router.add_get("/metrics", show_metrics)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, supervisor.config.host, supervisor.config.admin_port).start()
        yield runner
    finally:
        await runner.cleanup()


def health(reports: list[dict[str, Any] | None]) -> dict[str, Any]:
    """Alive, and what may be less than well: flags that are not live, upstreams that are ejected."""
    workers = [
        {name: value for name, value in report.items() if name != "cells"} for report in reports if report
    ]
    flags = [worker["flags"] for worker in workers]
    return {
        "status": "alive",
        "flags": {
            "redis": bool(flags) and all(flag["redis"] for flag in flags),
            "version": min((flag["version"] for flag in flags), default=None),
            "source": flags[0]["source"] if flags else None,
            "age_s": max((flag["age_s"] for flag in flags), default=None),
            "alarms": sorted({alarm for flag in flags for alarm in flag["alarms"]}),
        },
        "workers": workers,
    }


def gauges(reports: list[dict[str, Any]]) -> dict[str, tuple[str, dict[str, float]]]:
    """What is not counted by route, summed over the workers."""
    upstreams: dict[str, dict[str, float]] = {"busy": {}, "idle": {}, "ejected": {}}
    for report in reports:
        for name, addresses in report["upstreams"].items():
            for address in addresses:
                labels = f'upstream="{name}",address="{address["address"]}"'
                counts = {
                    "busy": address["busy"],
                    "idle": address["idle"],
                    "ejected": address["state"] != "healthy",
                }
                for kind, count in counts.items():
                    upstreams[kind][labels] = upstreams[kind].get(labels, 0) + count
    flags = [report["flags"] for report in reports]
    return {
        "strangler_workers": ("Workers that answer.", {"": len(reports)}),
        "strangler_clients": ("Connections of clients.", {"": sum(report["clients"] for report in reports)}),
        "strangler_upstream_busy": ("Connections with a request on them.", upstreams["busy"]),
        "strangler_upstream_idle": ("Connections kept for the next request.", upstreams["idle"]),
        "strangler_upstream_ejected": ("Workers that send an address nothing.", upstreams["ejected"]),
        "strangler_flags_version": (
            "Version of the flag table in use; the oldest of all workers.",
            {"": min((flag["version"] for flag in flags), default=0)},
        ),
        "strangler_flags_live": (
            "Whether all workers see Redis.",
            {"": float(bool(flags) and all(flag["redis"] for flag in flags))},
        ),
        "strangler_log_lines_lost": (
            "Access-log lines dropped because nobody read them.",
            {"": sum(report["log_lines_lost"] for report in reports)},
        ),
    }


def _json(document: dict[str, Any], status: int) -> web.Response:
    return web.Response(
        body=orjson.dumps(document),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
