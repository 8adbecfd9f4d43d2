"""Who is compared: each peer writes its configuration, starts, and stops with the block.

All forward the same requests to the same upstream: an nginx that answers 200 with 300 bytes.
"""

import asyncio
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import ClientError, ClientSession
from redis.exceptions import RedisError

from deploy.local.binaries import find_nginx, find_valkey
from loadtests.bench.machine import family, free_port, python, started
from strangler.routing.snapshot import FlagTable
from strangler.routing.store import connect, replace

ROUTE = "GET /api/bookings/{id}"

BODY = "x" * 300

_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {http}
}}
"""
_ANSWER = """
  server {{ listen 127.0.0.1:{port}; default_type application/json; location / {{ return 200 "{body}"; }} }}
"""
_FORWARD = """
  upstream app {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
"""


@contextmanager
def _nginx(name: str, http: str, folder: Path, core: int) -> Generator[int]:
    home = folder / name
    home.mkdir(exist_ok=True)
    config = home / "nginx.conf"
    config.write_text(_NGINX.format(folder=home, http=http), encoding="utf-8")
    command = [str(find_nginx().path), "-p", str(home), "-c", str(config)]
    with started(command, core=core, log=home / "log") as process:
        yield process.pid


@contextmanager
def upstream(folder: Path, core: int) -> Generator[int]:
    """The common upstream; yields its port."""
    port = free_port()
    with _nginx("upstream", _ANSWER.format(port=port, body=BODY), folder, core):
        yield port


@contextmanager
def nginx(folder: Path, core: int, upstream_port: int) -> Generator[tuple[int, int]]:
    """Nginx `proxy_pass` with keep-alive and without an access log; yields (port, pid)."""
    port = free_port()
    with _nginx("proxy", _FORWARD.format(port=port, upstream=upstream_port), folder, core) as pid:
        yield port, pid


@contextmanager
def aiohttp_proxy(folder: Path, core: int, upstream_port: int) -> Generator[tuple[int, int]]:
    """An aiohttp server with a ClientSession on uvloop; yields (port, pid)."""
    port = free_port()
    command = [
        python(), "-m", "loadtests.bench.aiohttp_proxy",
        "--port", str(port), "--upstream", f"http://127.0.0.1:{upstream_port}",
    ]  # fmt: skip
    with started(command, core=core, log=folder / "aiohttp.log") as process:
        yield port, process.pid


@contextmanager
def strangler(folder: Path, core: int, upstream_port: int) -> Generator[tuple[int, int], None, None]:
    """The strangler as it is deployed, one worker, its route split by token; yields (port, worker's pid)."""
    home = folder / "strangler"
    home.mkdir(exist_ok=True)
    port, admin_port, redis_port = free_port(), free_port(), free_port()
    upstream_url = f"http://127.0.0.1:{upstream_port}"
    redis_url = f"redis://127.0.0.1:{redis_port}/0"
    env = os.environ | {
        "BANYAN_PORT": str(port),
        "BANYAN_ADMIN_PORT": str(admin_port),
        "BANYAN_WORKERS": "1",
        "BANYAN_REDIS_URL": redis_url,
        "BANYAN_STATE_DIR": str(home),
        "BANYAN_UPSTREAM_LEGACY": upstream_url,
        "BANYAN_UPSTREAM_TICKETING": upstream_url,
    }
    valkey = [str(find_valkey().path), "--port", str(redis_port), "--save", "", "--dir", str(home)]
    valkey += ["--bind", "127.0.0.1"]
    with (
        started(valkey, core=core, log=home / "valkey"),
        started(
            [python(), "-m", "strangler", "proxy"], core=core, log=home / "access.jsonl", env=env
        ) as process,
    ):
        asyncio.run(_split(redis_url, admin_port))
        worker = next(pid for pid in family(process.pid) if pid != process.pid)
        yield port, worker


async def _split(redis_url: str, admin_port: int) -> None:
    """Flag the benchmark's route, and wait until the worker goes by it."""
    flag = b'{"mode": "split", "percent": 50, "sticky": "user"}'
    redis = connect(redis_url)
    deadline = time.monotonic() + 15
    async with ClientSession() as session:
        while True:
            try:
                await replace(redis, FlagTable(1, "bench", {ROUTE: flag}), announcement={"version": 1})
                async with session.get(f"http://127.0.0.1:{admin_port}/healthz") as response:
                    document = await response.json()
                if document["workers"] and document["flags"]["version"] == 1:
                    break
            except (RedisError, ClientError, OSError):
                pass
            if time.monotonic() > deadline:
                raise TimeoutError("the strangler did not start")
            await asyncio.sleep(0.05)
    await redis.aclose()
