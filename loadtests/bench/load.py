"""A load generator: keep-alive connections that each ask again as soon as they are answered.

It runs as a process of its own (`python -m loadtests.bench.load`), so that its cost is on another core than
the proxy's, and prints one JSON line. It speaks just enough HTTP to be sure that every answer is whole and is
a 200; whatever else comes back is an error and is counted.
"""

import argparse
import asyncio
import base64
import itertools
import random
import time
from collections.abc import Iterator
from typing import cast

import orjson
import uvloop

USERS = 500
VARIANTS = 4096


def requests(host: str, path: str, seed: int = 7) -> list[bytes]:
    """Requests as nginx at the edge passes them on:

    no two alike, from 500 users with tokens of real length.
    """
    rng = random.Random(seed)  # ruff: ignore[suspicious-non-cryptographic-random-usage] — it repeats itself
    tokens = [_token(rng, number) for number in range(USERS)]
    return [_request(rng, host, path, rng.choice(tokens)) for _ in range(VARIANTS)]


def _request(rng: random.Random, host: str, path: str, token: str) -> bytes:
    address = f"203.0.113.{rng.randrange(1, 255)}"
    lines = (
        f"GET {path.format(id=f'{rng.getrandbits(128):032x}')} HTTP/1.1",
        f"Host: {host}",
        f"X-Request-ID: {rng.getrandbits(128):032x}",
        f"X-Forwarded-For: {address}",
        f"X-Forwarded-Host: {host}",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Port: 443",
        f"X-Real-IP: {address}",
        "User-Agent: banyan-bench/1",
        "Accept: application/json",
        "Accept-Encoding: gzip, br",
        f"Authorization: Bearer {token}",
    )
    return "\r\n".join((*lines, "", "")).encode()


def _token(rng: random.Random, number: int) -> str:
    claims = {
        "sub": f"0190c5f0-{number:04x}-7bbb-8ccc-{rng.getrandbits(48):012x}",
        "role": "passenger",
        "company_id": None,
        "sid": f"{rng.getrandbits(128):032x}",
        "iss": "banyan",
        "aud": "banyan",
        "iat": 1_750_000_000,
        "exp": 1_750_000_900,
    }
    parts = orjson.dumps({"alg": "EdDSA", "kid": "2025-01"}), orjson.dumps(claims), rng.randbytes(64)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


class Asker(asyncio.Protocol):
    """One connection; asks, waits for the whole answer, asks again."""

    def __init__(self, asks: Iterator[bytes], latencies_s: list[float], errors: list[str]) -> None:
        self.asks = asks
        self.latencies_s = latencies_s
        self.errors = errors
        self.received = b""
        self.asked_at = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one without inheriting from it
        self.ask()

    def ask(self) -> None:
        self.asked_at = time.perf_counter()
        self.transport.write(next(self.asks))

    def data_received(self, data: bytes) -> None:
        if self.received:
            data = self.received + data
        head, separator, body = data.partition(b"\r\n\r\n")
        if not separator or len(body) < _content_length(head):
            self.received = data
            return
        self.received = b""
        self.latencies_s.append(time.perf_counter() - self.asked_at)
        if not head.startswith(b"HTTP/1.1 200"):
            self.errors.append(head.partition(b"\r\n")[0].decode("latin-1"))
        self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self.errors.append(f"connection lost: {exc}")


def _content_length(head: bytes) -> int:
    at = head.find(b"ontent-")
    while at >= 0 and head[at + 7 : at + 14].lower() != b"length:":
        at = head.find(b"ontent-", at + 1)
    return int(head[at + 14 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def drive(host: str, port: int, path: str, connections: int, warm_s: float, measured_s: float) -> None:
    """Warm up, say `measuring`, measure, print the result."""
    loop = asyncio.get_running_loop()
    latencies_s: list[float] = []
    errors: list[str] = []
    built = requests(f"{host}:{port}", path)
    for number in range(connections):
        asks = itertools.cycle(built[number * 97 :] + built[: number * 97])
        await loop.create_connection(lambda asks=asks: Asker(asks, latencies_s, errors), host, port)  # type: ignore[misc]
    await asyncio.sleep(warm_s)
    latencies_s.clear()
    errors.clear()
    print("measuring", flush=True)
    began = time.perf_counter()
    await asyncio.sleep(measured_s)
    took_s = time.perf_counter() - began
    measured = sorted(latencies_s)
    print("measured", flush=True)
    count = len(measured)
    print(
        orjson.dumps(
            {
                "requests": count,
                "seconds": took_s,
                "errors": len(errors),
                "first_error": errors[0] if errors else None,
                "p50_ms": measured[count // 2] * 1e3 if measured else None,
                "p99_ms": measured[count * 99 // 100] * 1e3 if measured else None,
            }
        ).decode(),
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/api/bookings/{id}")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--warm", type=float, default=0.5)
    parser.add_argument("--seconds", type=float, default=3.0)
    args = parser.parse_args()
    uvloop.run(drive(args.host, args.port, args.path, args.connections, args.warm, args.seconds))


if __name__ == "__main__":
    main()
