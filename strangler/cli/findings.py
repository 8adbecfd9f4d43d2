"""Finding out how everything is: each part is asked, and what is not as it should be gets a next step.

Nothing in here fails because something else is down: that is what it is for.
"""

import asyncio
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import asyncpg

from strangler.cli.connections import Shown, load_flags, open_database, open_redis
from strangler.cli.output import NOT_UNDERSTOOD, CannotDo
from strangler.cli.proxies import Answer, ask, workers_of
from strangler.cli.routes import side_of
from strangler.cli.settings import Settings
from strangler.routing import records, store
from strangler.routing.restoring import REDIS_AWAY
from strangler.routing.table import RouteTable

STALE_S: Final = 5.0
"""A worker polls once a second; one that has not been told for so long is on its own."""
_NO_ANSWER: Final = "does not answer"
_UPSTREAM_STEP: Final = "See that process and its log; the proxy tries again by itself."


@dataclass(slots=True)
class Findings:
    """What was found out, as a document, and what is wrong with it: (what, next step)."""

    document: dict[str, Any] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)

    def fault(self, what: str, next_step: str) -> None:
        if (what, next_step) not in self.faults:
            self.faults.append((what, next_step))


async def find_out(settings: Settings, table: RouteTable) -> Findings:
    """Ask everything at once, and judge. Raises `CannotDo` if there is nobody to ask."""
    if not (settings.redis_url or settings.database_url or settings.admin_urls):
        raise CannotDo(
            "No stack of this checkout runs, and the environment names no other: "
            "BANYAN_REDIS_URL, BANYAN_DATABASE_URL and BANYAN_ADMIN_URLS are not set.",
            "Start the stack, which is then found by itself: make run",
            NOT_UNDERSTOOD,
        )
    live, recorded, proxies, upstreams, shown = await asyncio.gather(
        _look_at_redis(settings),
        _look_at_record(settings),
        ask(settings.admin_urls, "/healthz"),
        _look_at_upstreams(settings),
        load_flags(settings, table),
    )
    findings = Findings({"redis": live, "record": recorded})
    _judge_tables(findings, live, recorded)
    current = live["version"] if live["version"] is not None else recorded["version"]
    _judge_proxies(findings, settings, proxies, current)
    _judge_upstreams(findings, upstreams)
    _judge_domains(findings, settings, table, shown)
    return findings


async def _look_at_redis(settings: Settings) -> dict[str, Any]:
    try:
        async with open_redis(settings) as redis:
            found = await store.read_version(redis)
    except (*REDIS_AWAY, store.StoreUnreadable, CannotDo) as error:
        return {"answers": False, "trouble": str(error), "version": None, "lineage": None}
    version, lineage = found if found is not None else (None, None)
    return {"answers": True, "trouble": None, "version": version, "lineage": lineage}


async def _look_at_record(settings: Settings) -> dict[str, Any]:
    try:
        async with open_database(settings) as connection:
            version, lineage = await records.load_version(connection)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, CannotDo) as error:
        return {"answers": False, "trouble": str(error), "version": None, "lineage": None}
    return {"answers": True, "trouble": None, "version": version, "lineage": lineage}


async def _look_at_upstreams(settings: Settings) -> list[tuple[str, Answer]]:
    pairs = [(name, address) for name, addresses in settings.upstreams.items() for address in addresses]
    answers = await ask(tuple(address for _, address in pairs), "/readyz")
    return [(name, answer) for (name, _), answer in zip(pairs, answers, strict=True)]


def _judge_tables(findings: Findings, live: dict[str, Any], recorded: dict[str, Any]) -> None:
    if not live["answers"]:
        findings.fault(
            f"Redis {_NO_ANSWER} ({live['trouble']}); the proxies go on with the flags that they have.",
            "Start it (make run), then look again.",
        )
    if not recorded["answers"]:
        findings.fault(
            f"The strangler's database {_NO_ANSWER} ({recorded['trouble']}); flags cannot be changed.",
            "Start it (make run), then look again.",
        )
    if not (live["answers"] and recorded["answers"]):
        return
    ours, theirs = live["version"], recorded["version"]
    if ours is None:
        if theirs:
            findings.fault("Redis has lost the flag table.", "banyan flag restore")
    elif live["lineage"] != recorded["lineage"]:
        findings.fault(
            "The flag table in Redis does not come from this database.", "banyan flag restore --force"
        )
    elif ours < theirs:
        findings.fault(f"Redis is at version {ours}, behind the record's {theirs}.", "banyan flag restore")
    elif ours > theirs:
        findings.fault(
            f"Redis is at version {ours}, ahead of the record's {theirs}.", "banyan flag restore --force"
        )


def _judge_proxies(
    findings: Findings, settings: Settings, proxies: list[Answer], current: int | None
) -> None:
    if not settings.admin_urls:
        findings.fault(
            "No proxy is known: BANYAN_ADMIN_URLS is not set.", "Name them, or start the stack: make run"
        )
    rows = findings.document["workers"] = []
    for proxy in proxies:
        workers = workers_of(proxy)
        if not workers:
            reason = proxy.trouble or "no worker of it answers"
            findings.fault(
                f"The proxy at {proxy.url} {_NO_ANSWER}: {reason}", "Start it (make run), or see its log."
            )
        for worker in workers:
            flags = worker.get("flags") or {}
            rows.append(
                {
                    "proxy": proxy.url,
                    **{key: worker.get(key) for key in ("pid", "clients", "in_flight", "upstreams")},
                    **{key: flags.get(key) for key in ("version", "source", "redis", "age_s", "alarms")},
                }
            )
            _judge_worker(findings, rows[-1], current)


def _judge_worker(findings: Findings, row: dict[str, Any], current: int | None) -> None:
    who = f"Worker {row['pid']} of {row['proxy']}"
    alarms = row["alarms"] or ()
    for alarm in alarms:
        findings.fault(f"{who}: {alarm}", _step_for(alarm))
    if row["redis"] and current is not None and (row["version"] or 0) < current:
        findings.fault(
            f"{who} is at version {row['version']}, not yet at {current}.",
            "Look again in a second; if it stays, see its log.",
        )
    elif (row["age_s"] or 0) > STALE_S and not alarms:
        findings.fault(f"{who} was last told {row['age_s']:.0f} s ago.", "See its log.")
    for name, addresses in (row["upstreams"] or {}).items():
        for address in addresses:
            if address["state"] != "healthy":
                findings.fault(
                    f"{who} sends nothing to {name} at {address['address']}: {address['state']}.",
                    _UPSTREAM_STEP,
                )


def _judge_upstreams(findings: Findings, upstreams: list[tuple[str, Answer]]) -> None:
    rows = findings.document["upstreams"] = []
    for name, answer in upstreams:
        ready = answer.status == 200
        trouble = None if ready else answer.trouble or f"it answers {answer.status}"
        rows.append({"name": name, "address": answer.url, "ready": ready, "trouble": trouble})
        if not ready:
            findings.fault(f"{name} at {answer.url} is not ready: {trouble}", _UPSTREAM_STEP)


def _judge_domains(findings: Findings, settings: Settings, table: RouteTable, shown: Shown) -> None:
    rows = findings.document["domains"] = []
    for domain in table.domains.values():
        compiled = [shown.snapshot.of(route) for route in table.routes if route.domain == domain.name]
        sides = Counter((one.route.access, side_of(one)) for one in compiled)
        deployed = domain.name in settings.deployed
        rows.append(
            {
                "domain": domain.name,
                "service": domain.service,
                "deployed": deployed,
                "groups": {group: asdict(shown.snapshot.groups[group]) for group in domain.groups},
                "read": {side: sides["read", side] for side in ("legacy", "split", "service")},
                "write": {side: sides["write", side] for side in ("legacy", "split", "service")},
            }
        )
        for one in compiled:
            if one.fixed != "legacy" and not deployed:
                findings.fault(
                    f'"{one.route.name}" is flagged to {domain.service}, which has no address here: 502.',
                    f'banyan flag set "{one.route.name}" legacy --why "{domain.service} is not deployed"',
                )
    for alarm in shown.snapshot.alarms:
        findings.fault(alarm, _step_for(alarm))
    findings.document |= {"flags_from": shown.origin, "version": shown.snapshot.version}


def _step_for(alarm: str) -> str:
    if "banyan " in alarm:
        return alarm[alarm.rindex("banyan ") :]
    if "cannot be used" in alarm:
        return 'Set it anew: banyan flag set "ROUTE" legacy --why "…"'
    return "See the proxy's log."
