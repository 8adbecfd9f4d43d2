"""Prometheus metrics, in a registry of the application's own: two applications in a process do not mix."""

from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from common.database import POOL, Pool

UNMATCHED: Final = "unmatched"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The registry and the HTTP metrics of one application; more metrics may be added to `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.in_flight = 0
        self._requests = Counter(
            "http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "http_request_seconds",
            "Time from the request's head to the end of its answer.",
            ("method", "route", "status_class"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        in_flight = Gauge("http_requests_in_flight", "Requests being worked on.", registry=self.registry)
        in_flight.set_function(lambda: self.in_flight)
        # labels() hashes and locks at each call; a route has a handful of statuses, so its children are kept.
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        children = self._children.get((method, route, status))
        if children is None:
            known = method if method in _METHODS else "OTHER"
            children = (
                self._requests.labels(known, route, status),
                self._seconds.labels(known, route, f"{status // 100}xx"),
            )
            if known == method:  # what clients invent must not fill this
                self._children[method, route, status] = children
        counter, histogram = children
        counter.inc()
        histogram.observe(seconds)

    def watch_pool(self, pool: Pool) -> None:
        """Gauges of a connection pool, read when they are scraped."""
        for name, text, read in (
            ("db_pool_connections", "Open connections.", pool.get_size),
            ("db_pool_idle_connections", "Open connections that nobody uses.", pool.get_idle_size),
            ("db_pool_max_connections", "The most connections that will be opened.", pool.get_max_size),
        ):
            Gauge(name, text, registry=self.registry).set_function(read)


METRICS: Final = web.AppKey("metrics", Metrics)


def add_metrics(app: web.Application) -> Metrics:
    """Collect metrics of the application and serve them at /metrics."""
    metrics = Metrics()
    app[METRICS] = metrics
    app.router.add_get("/metrics", show_metrics)
    app.on_startup.append(_watch_pool_of_app)
    return metrics


async def _watch_pool_of_app(app: web.Application) -> None:  # ruff: ignore[unused-async] — aiohttp wants a coroutine
    pool = app.get(POOL)
    if pool is not None:
        app[METRICS].watch_pool(pool)


async def show_metrics(request: web.Request) -> web.Response:  # ruff: ignore[unused-async] — aiohttp wants a coroutine
    return web.Response(
        body=generate_latest(request.app[METRICS].registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )
