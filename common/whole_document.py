"""The whole site's OpenAPI document, put together by the service that is home from what each service says.

A part that cannot be had now is left out, and the answer is kept for a short while only.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from common.encoding import dump_json
from common.openapi import DOCUMENT_PATH, add_docs_page, merge_documents, part_path
from common.problems import Unavailable
from common.reading import READER

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT_S: Final = 60


def add_whole_document(app: web.Application, title: str, tags: Sequence[str]) -> None:
    """Serve the merged document and Swagger UI over it."""

    async def show(request: web.Request) -> web.Response:
        found = await asyncio.gather(*(_part(request, tag) for tag in tags))
        parts = {tag: part for tag, part in zip(tags, found, strict=True) if part is not None}
        if not parts:
            raise Unavailable("No service says now what it can do. Try again in a moment.", retry_after=2)
        kept_s = KEPT_S if len(parts) == len(tags) else 0
        return web.Response(
            body=dump_json(merge_documents(title, parts)),
            content_type="application/json",
            headers={"Cache-Control": f"max-age={kept_s}"},
        )

    app.router.add_get(DOCUMENT_PATH, show)
    add_docs_page(app, title)


async def _part(request: web.Request, tag: str) -> dict[str, Any] | None:
    try:
        return await request.app[READER].get(part_path(tag), {"Accept": "application/json"})
    except Unavailable:
        return None
