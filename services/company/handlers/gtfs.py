"""Requests about feeds."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from aiohttp import web

from common.answers import NO_STORE, after_id, by_id, listing
from common.database import POOL
from common.problems import TooLarge, UnsupportedMediaType
from common.schemas import ListQuery
from common.wire import json_response, parse_query
from services.company.gtfs import exports, imports
from services.company.handlers.access import company_of_operator, company_of_staff
from services.company.keys import CONFIG
from services.company.schemas.gtfs import ExportQuery, ImportQuery, export_span, import_wire
from services.company.service import companies

LIST = ListQuery()
IMPORT = ImportQuery()
EXPORT = ExportQuery()
ZIP_TYPES = {"application/zip", "application/x-zip-compressed", "application/octet-stream"}


async def import_feed(request: web.Request) -> web.Response:
    company = await companies.find_company(request.app[POOL], await company_of_operator(request))
    query = parse_query(request, IMPORT)
    if request.content_type not in ZIP_TYPES:
        raise UnsupportedMediaType("Send the feed as application/zip.")
    if (request.content_length or 0) > imports.LARGEST_FEED:
        raise TooLarge(f"A feed has at most {imports.LARGEST_FEED // 2**20} MiB.")
    data = await request.read()
    if len(data) > imports.LARGEST_FEED:
        raise TooLarge(f"A feed has at most {imports.LARGEST_FEED // 2**20} MiB.")
    done = await imports.import_feed(
        request.app[POOL],
        request.app[CONFIG].database_url,
        company,
        data,
        imports.options_of(query, company["currency"]),
        file_name=query["file_name"],
    )
    location = f"/api/companies/{company['id']}/gtfs/imports"
    return json_response(done, 201, {**NO_STORE, "Location": location})


async def export_feed(request: web.Request) -> web.Response:
    company = await companies.find_company(request.app[POOL], await company_of_staff(request))
    today = datetime.now(UTC).astimezone(ZoneInfo(company["time_zone"])).date()
    first, last = export_span(parse_query(request, EXPORT), today)
    body = await exports.export_feed(request.app[POOL], company, first, last, request.app[CONFIG].public_url)
    name = f'attachment; filename="{company["slug"]}-gtfs.zip"'
    headers = {**NO_STORE, "Content-Disposition": name}
    return web.Response(body=body, content_type="application/zip", headers=headers)


async def list_imports(request: web.Request) -> web.Response:
    company_id = await company_of_staff(request)
    query = parse_query(request, LIST)
    rows = await imports.list_imports(
        request.app[POOL], company_id, after_id(query, UUID), query["limit"] + 1
    )
    return listing(rows, query["limit"], import_wire, by_id)
