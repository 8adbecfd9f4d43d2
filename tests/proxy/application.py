"""An aiohttp application behind the proxy: `python -m tests.proxy.application PORT NAME`."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web

PIECE = b"0123456789abcdef" * 4096


def create_app(name: str) -> web.Application:
    app = web.Application(client_max_size=1 << 30)

    async def who(request: web.Request) -> web.Response:
        return web.json_response({"side": name, "body": len(await request.read())})

    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(float(request.query["s"]))
        return web.json_response({"side": name})

    async def download(request: web.Request) -> web.StreamResponse:
        """As many bytes as asked for, with a length or in chunks."""
        left = int(request.query["bytes"])
        response = web.StreamResponse()
        if "chunked" in request.query:
            response.enable_chunked_encoding()
        else:
            response.content_length = left
        await response.prepare(request)
        while left:
            await response.write(PIECE[:left])
            left -= min(left, len(PIECE))
        await response.write_eof()
        return response

    async def upload(request: web.Request) -> web.Response:
        """Reads at once or, if asked to, only after a while."""
        await asyncio.sleep(float(request.query.get("after", "0")))
        received = 0
        async for part in request.content.iter_any():
            received += len(part)
        return web.json_response({"received": received})

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data[::-1])
        return socket

    app.router.add_get("/slow", slow)
    app.router.add_get("/download", download)
    app.router.add_post("/upload", upload)
    app.router.add_get("/echo", echo)
    app.router.add_route("*", "/{path:.*}", who)
    return app


def main() -> None:
    port, name = int(sys.argv[1]), sys.argv[2]
    loop = uvloop.new_event_loop()
    web.run_app(create_app(name), host="127.0.0.1", port=port, access_log=None, print=None, loop=loop)


if __name__ == "__main__":
    main()
