"""Answers are read whole, however the bytes are cut."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.wire import MalformedError, Reader, request

WITH_LENGTH = b'HTTP/1.1 201 Created\r\nETag: "7"\r\nContent-Length: 12\r\n\r\n{"id":"a"}\r\n'
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
    b"5\r\nhello\r\n1;why=so\r\n \r\n9\r\n\r\nworld\r\n\r\n0\r\nX-Sum: 1\r\n\r\n"
)
EMPTY_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\nServer: nginx\r\n\r\n"
NOT_MODIFIED = b'HTTP/1.1 304 Not Modified\r\nContent-Length: 512\r\nETag: "7"\r\n\r\n'
AFTER_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n" + WITH_LENGTH
LAST = b"HTTP/1.1 200 OK\r\ncontent-length:2\r\nconnection: close\r\n\r\nok"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
ANSWERS = [
    (WITH_LENGTH, 201, b'{"id":"a"}\r\n', False),
    (CHUNKED, 200, b"hello \r\nworld\r\n", False),
    (EMPTY_CHUNKED, 200, b"", False),
    (NO_CONTENT, 204, b"", False),
    (NOT_MODIFIED, 304, b"", False),
    (AFTER_CONTINUE, 201, b'{"id":"a"}\r\n', False),
    (LAST, 200, b"ok", True),
    (EMPTY, 200, b"", False),
]


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % len(whole) for place in places} - {0})
    return [whole[start:end] for start, end in zip([0, *ends], [*ends, len(whole)], strict=True)]


@given(st.lists(st.tuples(st.sampled_from(ANSWERS), st.lists(st.integers(1, 400), max_size=30)), max_size=4))
@settings(deadline=None)
def test_one_answer_after_the_other_comes_out_whole_wherever_it_is_cut(answers):
    reader = Reader()
    for (whole, status, body, is_last), places in answers:
        *before, last = cut(whole, places)
        assert [reader.feed(part) for part in before] == [None] * len(before)
        answer = reader.feed(last)
        assert answer is not None
        assert (answer.status, answer.body, answer.is_last) == (status, body, is_last)


@pytest.mark.parametrize("whole", [each[0] for each in ANSWERS])
def test_byte_by_byte_nothing_is_told_too_early(whole):
    reader = Reader()
    told = [reader.feed(whole[at : at + 1]) for at in range(len(whole))]
    assert [each is not None for each in told] == [False] * (len(whole) - 1) + [True]


def test_headers_are_found_whatever_their_case():
    answer = Reader().feed(NOT_MODIFIED)
    assert answer is not None
    assert answer.header("etag") == '"7"'
    assert answer.header("Retry-After") is None


@pytest.mark.parametrize(
    "whole",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
        b"HTTP/1.1 204 No Content\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore",
        b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 2000,
    ],
)
def test_what_cannot_be_followed_is_no_answer(whole):
    with pytest.raises(MalformedError):
        Reader().feed(whole)


def test_a_request_says_how_long_its_body_is_and_who_asks():
    asked = request("POST", "/api/bookings", host="site:1", token="t", body={"seat": "A1"})
    head, _, body = asked.partition(b"\r\n\r\n")
    assert orjson.loads(body) == {"seat": "A1"}
    assert head.split(b"\r\n") == [
        b"POST /api/bookings HTTP/1.1",
        b"Host: site:1",
        b"Accept: application/json",
        b"Authorization: Bearer t",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
    ]
    assert b"Content-Length: 0" in request("POST", "/logout", host="site")
    page = request("GET", "/", host="site", headers={"Accept": "text/html"})
    assert page == b"GET / HTTP/1.1\r\nHost: site\r\nAccept: text/html\r\n\r\n"
