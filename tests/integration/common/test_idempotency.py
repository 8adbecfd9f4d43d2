from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest
from aiohttp import web

from common import idempotency
from common.context import request_context
from common.database import POOL, Connection, open_pool
from common.idempotency import FINGERPRINT_KEY, idempotency_sql, purge_expired, run_apart, run_once
from common.principals import Principal, Role
from common.problems import Conflict, NotFound, TooManyRequests, WrongSide, problem_middleware
from common.wire import json_response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ASHA = Principal(uuid4(), Role.PASSENGER, None, uuid4())
RAVI = Principal(uuid4(), Role.PASSENGER, None, uuid4())


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(fresh_database, min_size=1, max_size=10)
    await pool.execute(idempotency_sql())
    await pool.execute("CREATE TABLE bookings (id bigserial PRIMARY KEY, note text)")
    yield pool
    await pool.close()


class Work:
    """The handler under test; what it does is set by each test."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.entered = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.error: Exception | None = None
        self.status = 201

    async def post(self, request: web.Request) -> web.Response:
        body = await request.read()
        who = {"asha": ASHA, "ravi": RAVI}[request.headers.get("User", "asha")]

        async def book(connection: Connection) -> web.Response:
            self.done[request.path] += 1
            identifier = await connection.fetchval(
                "INSERT INTO bookings (note) VALUES ($1) RETURNING id", body.decode()
            )
            self.entered.set()
            await self.may_go_on.wait()
            if self.error is not None:
                raise self.error
            headers = {"Location": f"/bookings/{identifier}", "X-Private": "not kept"}
            return json_response({"id": identifier}, self.status, headers)

        within = request.headers.get("Within", "")
        return await run_once(request.app[POOL], request, who, body, book, within=within)

    async def post_apart(self, request: web.Request) -> web.Response:
        pool, body = request.app[POOL], await request.read()

        async def charge() -> web.Response:
            self.done[request.path] += 1
            number = self.done[request.path]
            self.entered.set()
            await self.may_go_on.wait()
            if self.error is not None:
                raise self.error
            return json_response({"charged": number}, self.status)

        return await run_apart(pool, request, ASHA, body, charge)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def post(pool: asyncpg.Pool, work: Work, aiohttp_client: Any) -> Any:
    app = web.Application(middlewares=[request_context, problem_middleware])
    app[POOL] = pool
    app[FINGERPRINT_KEY] = b"k" * 32
    app.router.add_post("/bookings", work.post)
    app.router.add_post("/payments", work.post)
    app.router.add_post("/charges", work.post_apart)
    client = await aiohttp_client(app)

    async def post(
        key: str | None,
        body: bytes = b"{}",
        path: str = "/bookings",
        user: str = "asha",
        within: str = "",
    ) -> Any:
        headers = {"User": user, "Within": within} | ({"Idempotency-Key": key} if key is not None else {})
        answer = await client.post(path, data=body, headers=headers)
        await answer.read()
        return answer

    return post


async def slug(answer: Any) -> str:
    return str((await answer.json(content_type=None))["type"]).rpartition(":")[2]


async def bookings(pool: asyncpg.Pool) -> int:
    count: int = await pool.fetchval("SELECT count(*) FROM bookings")
    return count


async def test_the_same_request_is_done_once_and_answered_twice(post, pool: asyncpg.Pool):
    first, second = await post("k1"), await post("k1")
    assert (first.status, second.status) == (201, 201)
    assert await first.read() == await second.read()
    assert first.headers["Location"] == second.headers["Location"]
    assert first.headers["Content-Type"] == second.headers["Content-Type"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "X-Private" not in second.headers
    assert await bookings(pool) == 1


async def test_without_a_key_every_request_is_done(post, pool: asyncpg.Pool):
    await post(None)
    await post(None)
    assert await bookings(pool) == 2


async def test_a_key_with_another_body_or_route_is_refused(post, pool: asyncpg.Pool):
    await post("k1", b'{"seat": 1}')
    for answer in (await post("k1", b'{"seat": 2}'), await post("k1", b'{"seat": 1}', "/payments")):
        assert (answer.status, await slug(answer)) == (422, "idempotency-key-reused")
    assert (await post("k1", b'{"seat": 1}')).status == 201
    assert await bookings(pool) == 1


async def test_keys_of_two_people_have_nothing_to_do_with_each_other(post, pool: asyncpg.Pool):
    first, second = await post("k1"), await post("k1", user="ravi")
    assert await first.read() != await second.read()
    assert await bookings(pool) == 2


async def test_keys_of_two_domains_have_nothing_to_do_with_each_other(post, pool: asyncpg.Pool):
    answers = [await post("k1", path=path, within=path) for path in ("/bookings", "/payments") * 2]
    assert [answer.status for answer in answers] == [201] * 4
    assert ["Idempotency-Replayed" in answer.headers for answer in answers] == [False, False, True, True]
    assert await bookings(pool) == 2


async def test_a_request_that_is_being_worked_on_is_409_at_once(post, work: Work, pool: asyncpg.Pool):
    work.may_go_on.clear()
    first = asyncio.create_task(post("k1"))
    await work.entered.wait()
    async with asyncio.timeout(2):
        second = await post("k1")
    assert (second.status, await slug(second), second.headers["Retry-After"]) == (
        409,
        "request-in-progress",
        "1",
    )
    work.may_go_on.set()
    assert (await first).status == 201
    assert (await post("k1")).headers["Idempotency-Replayed"] == "true"
    assert await bookings(pool) == 1


async def test_many_at_once_do_it_once(post, work: Work, pool: asyncpg.Pool):
    answers = await asyncio.gather(*(post("k1") for _ in range(30)))
    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) <= {201, 409}
    assert len({await answer.read() for answer in answers if answer.status == 201}) == 1
    assert (work.done["/bookings"], await bookings(pool)) == (1, 1)


async def test_a_refusal_is_kept_and_its_work_is_not(post, work: Work, pool: asyncpg.Pool):
    work.error = NotFound("No such trip.")
    first = await post("k1")
    work.error = None
    second = await post("k1")
    assert (first.status, second.status) == (404, 404)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.content_type == "application/problem+json"
    assert await first.read() == await second.read()
    assert (work.done["/bookings"], await bookings(pool)) == (1, 0)


@pytest.mark.parametrize("error", [Conflict("taken"), TooManyRequests(), WrongSide(), RuntimeError("bug")])
async def test_what_may_be_tried_again_is_not_kept(post, work: Work, pool: asyncpg.Pool, error: Exception):
    work.error = error
    assert (await post("k1")).status in {409, 421, 429, 500}
    work.error = None
    answer = await post("k1")
    assert answer.status == 201
    assert "Idempotency-Replayed" not in answer.headers
    assert await bookings(pool) == 1


@pytest.mark.parametrize("status", [409, 429, 500, 503])
async def test_an_answer_that_is_returned_and_not_kept_leaves_no_work(
    post, work: Work, pool: asyncpg.Pool, status: int
):
    work.status = status
    assert (await post("k1")).status == status
    assert await bookings(pool) == 0
    work.status = 201
    assert (await post("k1")).status == 201


async def test_a_database_error_in_the_work_leaves_nothing(post, work: Work, pool: asyncpg.Pool):
    work.error = asyncpg.PostgresError.new({"C": "BY421", "M": "fenced", "S": "ERROR"})
    assert (await post("k1")).status == 421
    assert await pool.fetchval("SELECT count(*) FROM idempotency_keys") == 0
    work.error = None
    assert (await post("k1")).status == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
async def test_a_key_that_is_none_is_422_naming_the_header(post, pool: asyncpg.Pool, key: str):
    answer = await post(key)
    assert answer.status == 422
    assert list((await answer.json(content_type=None))["errors"]) == ["Idempotency-Key"]
    assert await bookings(pool) == 0


async def test_the_longest_key_is_good(post):
    assert (await post("~" * 255)).status == 201


async def test_a_key_is_forgotten_after_a_day(post, pool: asyncpg.Pool):
    await post("k1", b"old")
    await pool.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    assert (await post("k1", b"new")).status == 201
    assert (await post("k1", b"new")).headers["Idempotency-Replayed"] == "true"
    assert await bookings(pool) == 2


async def test_old_keys_are_purged_in_batches_and_young_ones_stay(post, pool: asyncpg.Pool):
    for number in range(5):
        await post(f"old{number}")
    await pool.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    await post("young")
    assert await purge_expired(pool, batch=2) == 5
    assert await pool.fetchval("SELECT array_agg(key) FROM idempotency_keys") == ["young"]


async def test_a_body_cannot_be_read_from_the_table(post, pool: asyncpg.Pool):
    await post("k1", b"4242424242424242")
    row = await pool.fetchrow("SELECT * FROM idempotency_keys")
    assert "4242" not in str(dict(row))
    assert len(row["fingerprint"]) == 32


async def test_work_apart_is_done_once_however_many_send_it(post, work: Work):
    work.may_go_on.clear()
    first = asyncio.create_task(post("k1", path="/charges"))
    await work.entered.wait()
    for answer in await asyncio.gather(*(post("k1", path="/charges") for _ in range(7))):
        assert (answer.status, await slug(answer)) == (409, "request-in-progress")
    assert await slug(await post("k1", b"[]", path="/charges")) == "idempotency-key-reused"
    work.may_go_on.set()
    assert (await first).status == 201
    again = await post("k1", path="/charges")
    assert await again.read() == await (await first).read()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert work.done == {"/charges": 1}


@pytest.mark.parametrize(("error", "status"), [(Conflict(), 409), (ZeroDivisionError(), 500)])
async def test_work_apart_that_fails_may_be_tried_again_with_its_key(post, work: Work, error, status):
    work.error = error
    assert (await post("k1", path="/charges")).status == status
    work.error = None
    assert (await post("k1", path="/charges")).status == 201


async def test_a_refusal_of_work_apart_is_kept(post, work: Work):
    work.error = NotFound()
    assert (await post("k1", path="/charges")).status == 404
    assert (await post("k1", path="/charges")).headers["Idempotency-Replayed"] == "true"
    assert work.done == {"/charges": 1}


async def test_a_claim_on_a_key_outlives_its_process_by_a_minute(post, work: Work, pool: asyncpg.Pool):
    await post("k1", path="/charges")
    await pool.execute("UPDATE idempotency_keys SET status = NULL")  # as a process that ended has left it
    assert (await post("k1", path="/charges")).status == 409
    await pool.execute("UPDATE idempotency_keys SET created_at = now() - interval '61 seconds'")
    assert (await post("k1", path="/charges")).status == 201
    assert work.done == {"/charges": 2}


class TakenOver:
    """Two requests with one key: the first one's claim has outlived its minute, and both are at work."""

    def __init__(self, post: Any, work: Work, pool: asyncpg.Pool) -> None:
        self._post, self._work, self._pool = post, work, pool

    async def begin(self) -> None:
        self.first, self.first_may_go_on = await self._begin_one()
        await self._pool.execute("UPDATE idempotency_keys SET created_at = now() - interval '61 seconds'")
        self.second, self.second_may_go_on = await self._begin_one()

    async def _begin_one(self) -> tuple[asyncio.Task[Any], asyncio.Event]:
        self._work.entered.clear()
        self._work.may_go_on = asyncio.Event()
        task = asyncio.create_task(self._post("k1", path="/charges"))
        await self._work.entered.wait()
        return task, self._work.may_go_on


@pytest.fixture
async def taken_over(post, work: Work, pool: asyncpg.Pool) -> AsyncIterator[TakenOver]:
    made = TakenOver(post, work, pool)
    await made.begin()
    yield made
    made.first_may_go_on.set()
    made.second_may_go_on.set()
    await asyncio.gather(made.first, made.second)


@pytest.mark.parametrize(
    ("error", "status"), [(None, 201), (NotFound(), 404), (Conflict(), 409), (ZeroDivisionError(), 500)]
)
async def test_who_comes_late_leaves_the_claim_of_the_next(taken_over: TakenOver, post, work, error, status):
    work.error = error
    taken_over.first_may_go_on.set()
    assert (await taken_over.first).status == status
    work.error = None
    async with asyncio.timeout(2):
        assert await slug(await post("k1", path="/charges")) == "request-in-progress"
    taken_over.second_may_go_on.set()
    assert await (await taken_over.second).json() == {"charged": 2}
    again = await post("k1", path="/charges")
    assert (again.headers["Idempotency-Replayed"], await again.json()) == ("true", {"charged": 2})


@pytest.mark.parametrize(("error", "status"), [(None, 201), (NotFound(), 404), (ZeroDivisionError(), 500)])
async def test_who_comes_late_leaves_the_answer_of_the_next(taken_over: TakenOver, post, work, error, status):
    taken_over.second_may_go_on.set()
    assert (await taken_over.second).status == 201
    work.error = error
    taken_over.first_may_go_on.set()
    assert (await taken_over.first).status == status
    again = await post("k1", path="/charges")
    assert (again.headers["Idempotency-Replayed"], await again.json()) == ("true", {"charged": 2})


async def test_work_apart_is_cut_off_before_its_claim_ends_and_may_be_tried_again(post, work, monkeypatch):
    monkeypatch.setattr(idempotency, "LONGEST_WORK_APART_S", 0.05)
    work.may_go_on.clear()
    assert (await post("k1", path="/charges")).status == 503
    work.may_go_on.set()
    assert (await post("k1", path="/charges")).status == 201
