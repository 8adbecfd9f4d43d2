"""`banyan events`: how far everybody has heard, what is dead, and publishing again."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import redis.asyncio as redis
import typer
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table

from common.config import ConfigError, ConfigReader
from common.events.event import stream_of
from common.events.letters import DEAD
from common.events.relay import EVERYTHING
from deploy.events.catalogue import DOMAINS, read_catalogue, write_page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

app = typer.Typer(help="What the services tell each other.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
_WITHIN_S = 3.0


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """Each stream and who hears it: entries not yet delivered, and delivered but not yet applied."""
    found = _with_redis(_status)
    if as_json:
        print(json.dumps(found))
        return
    table = Table("source", "entries", "listener", "waiting", "in hand", "alive")
    for line in found:
        waiting = "?" if line["waiting"] is None else str(line["waiting"])
        alive = "yes" if line["alive"] else "[red]no[/red]"
        table.add_row(
            line["source"], str(line["entries"]), line["listener"], waiting, str(line["in_hand"]), alive
        )
    Console().print(table)


@app.command()
def dead(*, as_json: AsJson = False) -> None:
    """Events that could not be applied, and why."""
    letters = _with_redis(_dead)
    if as_json:
        print(json.dumps(letters))
        return
    if not letters:
        Console().print("No event is dead.")
        return
    table = Table("listener", "event", "type", "attempts", "reason")
    for each in letters:
        event = each["event"]
        name = f"{event['source']}:{event['seq']}"
        table.add_row(each["consumer"], name, event["type"], str(each["attempts"]), each["error"])
    Console().print(table)
    Console().print("When the reason is gone: banyan events replay LISTENER [EVENT]")


@app.command()
def replay(
    listener: Annotated[str, typer.Argument(help="Who could not apply it: auth, user, company, …")],
    event: Annotated[str, typer.Argument(metavar="[SOURCE:SEQ]", help="One event; all if left out.")] = "*",
) -> None:
    """Let a listener try its dead events again."""
    _known(listener)

    async def ask(client: Any) -> None:
        await client.rpush(f"events:replay:{listener}", event)

    _with_redis(ask)
    Console().print("It will be tried within a second; look with: banyan events dead")


@app.command()
def republish(
    source: Annotated[str, typer.Argument(help="Whose: auth, user, company, ticketing, qr, payment.")],
) -> None:
    """Publish all of a service's rows anew, as they are now; listeners take what they do not have."""
    _known(source)

    async def ask(client: Any) -> None:
        await client.hset(f"{stream_of(source)}:wanted", "banyan", str(EVERYTHING))

    _with_redis(ask)
    Console().print(f"{source}-service begins within a second; see how far with: banyan events status")


@app.command()
def document() -> None:
    """Print the page that describes every event, docs/events.md."""
    sys.stdout.write(write_page(read_catalogue()))


def _known(domain: str) -> None:
    if domain not in DOMAINS:
        Console(stderr=True).print(f"There is no {domain}-service; there are: {', '.join(DOMAINS)}")
        raise typer.Exit(2)


def _with_redis(work: Callable[[Any], Awaitable[Any]]) -> Any:
    read = ConfigReader(os.environ)
    url = read.url("REDIS_URL")
    try:
        read.done()
    except ConfigError as error:
        Console(stderr=True).print(f"[red]{error}[/red]\nStart the site first: make run")
        raise typer.Exit(2) from None

    async def run() -> Any:
        async with redis.Redis.from_url(url, protocol=2, socket_timeout=_WITHIN_S) as client:
            return await work(client)

    try:
        return asyncio.run(run())
    except (RedisError, OSError) as error:
        Console(stderr=True).print(f"[red]Redis does not answer: {error}[/red]\nLook with: banyan status")
        raise typer.Exit(1) from None


async def _status(client: Any) -> list[dict[str, Any]]:
    lines = []
    for source in DOMAINS:
        stream = stream_of(source)
        if not await client.exists(stream):
            continue
        entries = await client.xlen(stream)
        for group in await client.xinfo_groups(stream):
            listener = group["name"].decode()
            lines.append(
                {
                    "source": source,
                    "entries": entries,
                    "listener": listener,
                    "waiting": group["lag"],
                    "in_hand": group["pending"],
                    "alive": bool(await client.exists(f"events:alive:{listener}")),
                }
            )
    return lines


async def _dead(client: Any) -> list[dict[str, Any]]:
    letters = []
    for listener in DOMAINS:
        letters += [orjson.loads(letter) for letter in await client.hvals(f"{DEAD}:{listener}")]
    return letters
