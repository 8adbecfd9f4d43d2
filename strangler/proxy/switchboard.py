"""What all connections of a worker share: where each route leads, and what is under way.

`steer` is the only place where the proxy chooses a side, for a first attempt and for every further one.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any, Final, Protocol

from strangler.config import ProxyConfig
from strangler.proxy.access_log import AccessLog
from strangler.proxy.identity import CLIENT_COOKIE, Identities, client_cookie
from strangler.proxy.metrics import Cell
from strangler.proxy.pool import Pool
from strangler.proxy.refusals import Refusal
from strangler.proxy.requests import VIA, Peer, RequestHead, new_trace_id
from strangler.proxy.turn import Turn
from strangler.routing.decide import decide

if TYPE_CHECKING:
    from strangler.proxy.client import ClientConnection
    from strangler.proxy.exchange import Exchange
    from strangler.routing.decide import CompiledRoute
    from strangler.routing.flags import Side
    from strangler.routing.snapshot import Snapshot
    from strangler.routing.table import Route

UNMATCHED: Final = "unmatched"
UNMATCHED_TIMEOUT_S: Final = 30.0
UNMATCHED_MAX_BODY: Final = 32 << 20
REMEMBERED_DECISIONS: Final = 16_384
_COOKIE_SECONDS: Final = 365 * 24 * 3600


class Live(Protocol):
    """What the flag watcher is to the proxy: a snapshot that is swapped whole."""

    @property
    def snapshot(self) -> "Snapshot": ...


METHODS: Final = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")


class Lane:
    """One route on one side: where it leads, its limits, its counts."""

    __slots__ = ("_route", "answer_lines", "cell", "log_fields", "max_body", "pool", "timeout_s")

    def __init__(
        self,
        *,
        route: str,
        method: str,
        side: str,
        pool: Pool | None,
        timeout_s: float,
        max_body: int,
        show_side: bool,
    ) -> None:
        self.pool = pool
        self.timeout_s = timeout_s
        self.max_body = max_body
        self.cell = Cell(route, side)
        self.answer_lines = b"Via: %b\r\n" % VIA + (
            b"Banyan-Side: %b\r\n" % side.encode() if show_side else b""
        )
        self.log_fields = f'"method":"{method}","route":"{route}","side":"{side}",'.encode()
        self._route = route

    @property
    def missing(self) -> str:
        """What to do when the flag names a service that does not exist."""
        return (
            f"{self._route} is flagged to a service that has no address here. "
            f"Flag it back: banyan flag set '{self._route}' legacy --why 'not deployed'"
        )


class Switchboard:
    """One for each worker."""

    def __init__(
        self,
        config: ProxyConfig,
        live: Live,
        routes: Iterable["Route"],
        pools: Mapping[str, Pool],
        log: AccessLog | None,
        home: str | None = None,
    ) -> None:
        # of the process
        self.limits = config.limits
        self.most_in_flight = config.limits.in_flight
        self.timeouts = config.timeouts
        self.pools = pools
        self.log = log
        self.turn = Turn(log)
        self._live = live
        self._trusted = config.trusted_proxies
        self._identities = Identities()
        self._legacy: list[Lane] = []
        self._service: list[Lane] = []
        for route in routes:
            for side, lanes, name in (
                ("legacy", self._legacy, "legacy"),
                ("service", self._service, route.domain),
            ):
                lanes.append(
                    Lane(
                        route=route.name,
                        method=route.method,
                        side=side,
                        pool=pools.get(name),
                        timeout_s=route.timeout_s,
                        max_body=route.max_body,
                        show_side=config.show_side,
                    )
                )
        self._decided: dict[tuple[int, bytes], Side] = {}
        self._decided_by: Snapshot | None = None
        self._home = "legacy" if "legacy" in pools or home is None else home
        self._unmatched = {
            method.encode(): self._lane_without_route(method, config.show_side)
            for method in map(bytes.decode, METHODS)
        }
        self._other = self._lane_without_route("OTHER", config.show_side)
        self._wrong_method = {
            route.domain: self._lane_without_route("OTHER", config.show_side, route.domain)
            for route in routes
        }
        self._malformed = Cell("malformed", "none")
        # of what is under way
        self.draining = False
        self.clients: set[ClientConnection] = set()
        self.in_flight: set[Exchange] = set()

    def _lane_without_route(self, method: str, show_side: bool, to: str | None = None) -> Lane:
        to = to or self._home
        return Lane(
            route=UNMATCHED,
            method=method,
            side="legacy" if to == "legacy" else "service",
            pool=self.pools.get(to),
            timeout_s=UNMATCHED_TIMEOUT_S,
            max_body=UNMATCHED_MAX_BODY,
            show_side=show_side,
        )

    def steer(self, exchange: "Exchange") -> Lane:
        """Where this request goes, by the flags as they are now. Unknown paths go to legacy, or home."""
        request = exchange.request
        snapshot = self._live.snapshot
        compiled = snapshot.match(request.method, request.path)
        if compiled is None:
            return self._lane_of_unknown(snapshot, request.method, request.path)
        side = compiled.fixed
        if side is None:
            if snapshot is not self._decided_by:
                self._decided_by = snapshot
                self._decided.clear()
            side = self._decide(compiled, exchange)
        return (self._legacy if side == "legacy" else self._service)[compiled.route.index]

    def _lane_of_unknown(self, snapshot: "Snapshot", method: bytes, path: bytes) -> Lane:
        """Legacy knows what to say; without it a known path's own service says that a method is wrong."""
        if self._home != "legacy":
            known = next(filter(None, (snapshot.match(other, path) for other in METHODS)), None)
            if known is not None:
                return self._wrong_method[known.route.domain]
        return self._unmatched.get(method, self._other)

    def _decide(self, compiled: "CompiledRoute", exchange: "Exchange") -> "Side":
        """The side of a split route; remembered where it hangs on the token alone, until the flags change."""
        request = exchange.request
        token = request.authorization
        by_token = token is not None and compiled.sticky == "user" and request.cohort is None
        if by_token:
            assert token is not None
            remembered = self._decided.get((compiled.route.index, token))
            if remembered is not None:
                return remembered
        elif compiled.sticky == "client" and not _is_named(request):
            self._name_client(exchange)
        key = self._identities.key(request)
        side = decide(compiled, key)
        if by_token and key.user is not None:
            assert token is not None
            if len(self._decided) >= REMEMBERED_DECISIONS:
                self._decided.clear()
            self._decided[compiled.route.index, token] = side
        return side

    @staticmethod
    def _name_client(exchange: "Exchange") -> None:
        """Give a client without a cookie one, so that it stays on a side when its address changes."""
        request = exchange.request
        if exchange.set_cookie:
            return
        name = token_urlsafe(12).encode()
        secure = b"; Secure" if request.scheme == b"https" else b""
        exchange.set_cookie = b"Set-Cookie: %b=%b; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%b\r\n" % (
            CLIENT_COOKIE, name, _COOKIE_SECONDS, secure,
        )  # fmt: skip
        own = b"%b=%b" % (CLIENT_COOKIE, name)
        request.cookie = own if request.cookie is None else b"%b; %b" % (request.cookie, own)

    def peer(self, peername: object) -> Peer:
        """Who is at the other end.

        A Unix socket has no address and is trusted: only this machine reaches it.
        """
        if not isinstance(peername, tuple):
            return Peer(b"unix", trusted=True)
        address = ipaddress.ip_address(str(peername[0]).partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        return Peer(str(address).encode(), trusted=any(address in network for network in self._trusted))

    def refused(self, peer: Peer, refusal: Refusal) -> bytes:
        """Count and log a request that was not understood; returns the id it is given."""
        request_id = new_trace_id()
        self._malformed.by_class[refusal.status // 100] += 1
        self._malformed.error(refusal.slug)
        if self.log is not None:
            self.log.add_refused(peer.address, request_id, refusal.status, refusal.slug)
        return request_id

    def tick(self, now: float) -> None:
        """Ten times a second: deadlines of exchanges, health of upstreams, the log."""
        for exchange in tuple(self.in_flight):
            exchange.check_deadline(now)
        for pool in self.pools.values():
            pool.tick(now)
        if self.log is not None:
            self.log.flush()

    def tick_clients(self, now: float) -> None:
        """Once a second: clients that are silent or slow between requests."""
        for client in tuple(self.clients):
            client.check_deadline(now)

    def drain(self) -> None:
        for client in tuple(self.clients):
            client.drain()

    def report(self) -> list[dict[str, Any]]:
        """The counts of every route and side that has had a request."""
        unknown = (*self._unmatched.values(), self._other, *self._wrong_method.values())
        lanes = (*self._legacy, *self._service, *unknown)
        cells = (*(lane.cell for lane in lanes), self._malformed)
        return [cell.report() for cell in cells if any(cell.by_class) or cell.in_flight]


def _is_named(request: RequestHead) -> bool:
    return request.cookie is not None and client_cookie(request.cookie) is not None
