"""The OpenAPI 3.1 document from a literal table of routes and schemas, and Swagger UI from a wheel."""

import importlib.util
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from aiohttp import web
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from common.encoding import dump_json

Auth: TypeAlias = Literal["none", "optional", "required"]
SchemaLike: TypeAlias = type[Schema] | Schema

_PARAMETER: Final = re.compile(
    r"\{(\w+)(?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}"
)  # aiohttp's own, with its patterns
_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"

DOCUMENT_PATH: Final = "/api/openapi.json"
DOCS_PATH: Final = "/api/docs"


@dataclass(frozen=True, slots=True)
class RouteDoc:
    """What the document says of one route.

    `responses` maps a status to a schema, to None for an answer without a body, or to a media type such as
    ``image/png``. `other_forms` are the media types in which the same can be had besides. `errors` are the
    statuses of problems beyond those that follow from the rest (401 where a token is needed, 422 where
    something is parsed, …).
    """

    method: str
    path: str
    summary: str
    tag: str
    request_schema: SchemaLike | None = None
    query_schema: SchemaLike | None = None
    responses: Mapping[int, SchemaLike | str | None] = field(default_factory=dict)
    other_forms: tuple[str, ...] = ()
    auth: Auth = "required"
    idempotent: bool = False
    errors: tuple[int, ...] = ()
    description: str = ""
    request_media_type: str = _JSON
    roles: tuple[str, ...] = ()


def build_document(
    title: str, version: str, docs: Iterable[RouteDoc], *, description: str = ""
) -> dict[str, Any]:
    """The document as a dict; schemas are components named after their classes."""
    marshmallow = MarshmallowPlugin(schema_name_resolver=_name_of)
    spec = APISpec(
        title=title,
        version=version,
        openapi_version="3.1.0",
        plugins=[marshmallow],
        info={"description": description} if description else {},
    )
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    spec.components.security_scheme("cookie", {"type": "apiKey", "in": "cookie", "name": "banyan_access"})
    spec.components.schema("Problem", _PROBLEM_SCHEMA)
    for doc in docs:
        operation = _operation(doc)
        path = _PARAMETER.sub(r"{\1}", doc.path)
        spec.path(path=path, operations={doc.method.lower(): operation})
    document: dict[str, Any] = spec.to_dict()
    return document


def add_part(app: web.Application, tag: str, document: Mapping[str, Any]) -> None:
    """Serve what the document says of one tag, at an address of its own: a service's part of the whole."""
    body = dump_json(part_of(document, tag))

    async def show_part(_request: web.Request) -> web.Response:  # ruff: ignore[unused-async] — aiohttp wants a coroutine
        return web.Response(body=body, content_type=_JSON, headers={"Cache-Control": "max-age=60"})

    app.router.add_get(part_path(tag), show_part)


def part_path(tag: str) -> str:
    return f"/api/openapi/{tag}.json"


def part_of(document: Mapping[str, Any], tag: str) -> dict[str, Any]:
    """The document with the operations of one tag."""
    paths = {
        path: {method: said for method, said in operations.items() if tag in said.get("tags", ())}
        for path, operations in document["paths"].items()
    }
    return {**document, "paths": {path: operations for path, operations in paths.items() if operations}}


def merge_documents(title: str, parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One document of the parts by tag. Schemas of one name that differ are told apart by the part's name."""
    whole: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    components: dict[str, dict[str, Any]] = {}
    for tag, part in parts.items():
        own = part.get("components", {})
        known = components.get("schemas", {})
        renamed = {
            name: f"{tag.capitalize()}{name}"
            for name, schema in own.get("schemas", {}).items()
            if name in known and known[name] != schema
        }
        told = _with_schemas_renamed(part, renamed) if renamed else part
        whole = whole or {key: value for key, value in told.items() if key not in {"paths", "components"}}
        for path, operations in told["paths"].items():
            paths.setdefault(path, {}).update(operations)
        for kind, named in told.get("components", {}).items():
            components.setdefault(kind, {}).update(named)
    return {
        **whole,
        "info": {**whole.get("info", {}), "title": title},
        "paths": paths,
        "components": components,
    }


def _with_schemas_renamed(document: Any, renamed: Mapping[str, str]) -> Any:
    references = {
        f"#/components/schemas/{old}": f"#/components/schemas/{new}" for old, new in renamed.items()
    }

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: references.get(each, each) if key == "$ref" else walk(each)
                for key, each in value.items()
            }
        return [walk(each) for each in value] if isinstance(value, list) else value

    walked = walk(document)
    schemas = walked["components"]["schemas"]
    walked["components"]["schemas"] = {renamed.get(name, name): schema for name, schema in schemas.items()}
    return walked


def add_docs(app: web.Application, document: Mapping[str, Any]) -> None:
    """Serve the document at its address, and Swagger UI over it."""
    body = dump_json(document)

    async def show_document(_request: web.Request) -> web.Response:  # ruff: ignore[unused-async] — aiohttp wants a coroutine
        return web.Response(body=body, content_type=_JSON, headers={"Cache-Control": "max-age=60"})

    app.router.add_get(DOCUMENT_PATH, show_document)
    add_docs_page(app, str(document["info"]["title"]))


def add_docs_page(app: web.Application, title: str) -> None:
    """Swagger UI over the document at its address: same origin and no inline script, for a strict CSP."""

    async def show_docs(_request: web.Request) -> web.Response:  # ruff: ignore[unused-async] — aiohttp wants a coroutine
        return web.Response(
            text=_PAGE.replace("{title}", title),
            content_type="text/html",
            headers={"Content-Security-Policy": _CSP},
        )

    async def show_init(_request: web.Request) -> web.Response:  # ruff: ignore[unused-async] — aiohttp wants a coroutine
        return web.Response(
            text=_INIT, content_type="text/javascript", headers={"Cache-Control": "max-age=3600"}
        )

    app.router.add_get(DOCS_PATH, show_docs)
    app.router.add_get(f"{DOCS_PATH}/init.js", show_init)
    app.router.add_static(f"{DOCS_PATH}/ui", swagger_folder())


def swagger_folder() -> Path:
    """Swagger UI's files, as the package flask-openapi-swagger carries them; it is found, never imported."""
    found = importlib.util.find_spec("flask_openapi_swagger")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(
            "the package flask-openapi-swagger, which carries Swagger UI, is not installed"
        )
    return Path(found.submodule_search_locations[0]) / "templates" / "swagger"


def _name_of(schema: SchemaLike | str) -> str:
    if isinstance(schema, str):
        return schema.rpartition(".")[2].removesuffix("Schema")
    name = (schema if isinstance(schema, type) else type(schema)).__name__
    return name.removesuffix("Schema") or name


def _operation(doc: RouteDoc) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"in": "path", "name": name, "required": True, "schema": _path_schema(name)}
        for name in _PARAMETER.findall(doc.path)
    ]
    if doc.query_schema is not None:
        parameters.append({"in": "query", "schema": doc.query_schema})
    if doc.idempotent:
        parameters.append(_IDEMPOTENCY_KEY)
    operation: dict[str, Any] = {
        "operationId": _operation_id(doc),
        "summary": doc.summary,
        "tags": [doc.tag],
        "responses": _responses(doc),
        "security": _SECURITY[doc.auth],
    }
    description = doc.description + (f"\n\nFor: {', '.join(doc.roles)}." if doc.roles else "")
    if description.strip():
        operation["description"] = description.strip()
    if parameters:
        operation["parameters"] = parameters
    if doc.request_schema is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {doc.request_media_type: {"schema": doc.request_schema}},
        }
    elif doc.request_media_type != _JSON:
        operation["requestBody"] = {"required": True, "content": {doc.request_media_type: {}}}
    return operation


def _operation_id(doc: RouteDoc) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "_", _PARAMETER.sub(r"\1", doc.path).removeprefix("/api/")).strip("_")
    return f"{doc.method.lower()}_{words}"


def _path_schema(name: str) -> dict[str, str]:
    return (
        {"type": "string", "format": "uuid"} if name == "id" or name.endswith("_id") else {"type": "string"}
    )


def _responses(doc: RouteDoc) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, answer in sorted(doc.responses.items()):
        response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        if isinstance(answer, str):
            response["content"] = {answer: {}}
        elif answer is not None:
            response["content"] = {_JSON: {"schema": answer}} | {form: {} for form in doc.other_forms}
        responses[str(status)] = response
    for status in sorted(_problem_statuses(doc)):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {_PROBLEM: {"schema": "Problem"}},
        }
    return responses


def _problem_statuses(doc: RouteDoc) -> set[int]:
    statuses = {*doc.errors, 503}
    if doc.auth != "none":
        statuses.add(401)
    if doc.auth == "required":
        statuses.add(403)
    if _PARAMETER.search(doc.path):
        statuses.add(404)
    if doc.query_schema is not None or doc.idempotent:
        statuses.add(422)
    if doc.request_schema is not None or doc.request_media_type != _JSON:
        statuses |= {400, 413, 415, 422}
    if doc.idempotent:
        statuses.add(409)
    return statuses - set(doc.responses)


_SECURITY: Final[dict[str, list[dict[str, list[str]]]]] = {
    "none": [],
    "optional": [{}, {"bearer": []}, {"cookie": []}],
    "required": [{"bearer": []}, {"cookie": []}],
}

_IDEMPOTENCY_KEY: Final[dict[str, Any]] = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "A repeat with the same body within 24 hours gets the answer of the first.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}

_PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457 problem details",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:banyan:problem:not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "object",
            "description": "Dotted path of a field → what is wrong with it",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}

# Swagger UI sets style attributes; scripts come from files only.
_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="/api/docs/ui/images/swagger.svg">
<link rel="stylesheet" href="/api/docs/ui/css/swagger-ui.css">
</head>
<body>
<div id="ui"></div>
<noscript>This page needs JavaScript. Without it, read <a href="/api/openapi.json">/api/openapi.json</a>.
</noscript>
<script src="/api/docs/ui/js/swagger-ui-bundle.js"></script>
<script src="/api/docs/init.js"></script>
</body>
</html>
"""

_INIT: Final = """window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: "/api/openapi.json",
    dom_id: "#ui",
    deepLinking: true,
    displayRequestDuration: true,
    persistAuthorization: true,
    validatorUrl: null,
    tryItOutEnabled: true,
  });
});
"""
