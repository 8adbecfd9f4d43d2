"""Upstreams' heads, as bytes: how an answer is framed, what reaches the client, what cannot be trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.proxy.requests import RequestHead
from strangler.proxy.responses import Garbled, ResponseHead, ResponseReader

TRACE = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-00"


def asked(method: bytes = b"GET") -> RequestHead:
    request = RequestHead()
    request.method = method
    request.request_id = b"mine"
    request.traceparent = TRACE
    return request


def read(raw: bytes, method: bytes = b"GET") -> ResponseHead:
    return ResponseReader().read(raw, asked(method))


def ok(*lines: bytes, status: bytes = b"200 OK", method: bytes = b"GET") -> ResponseHead:
    return read(b"\r\n".join((b"HTTP/1.1 " + status, *lines, b"", b"")), method)


GARBLED = {
    "both lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "two lengths alike": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "two lengths in two spellings": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
    "an empty length": b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
    "another encoding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "another encoding too": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a folded header": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
    "a bare LF": b"HTTP/1.1 200 OK\r\nX: a\nContent-Length: 5\r\n\r\n",
    "a NUL": b"HTTP/1.1 200 OK\r\nX: a\0\r\n\r\n",
    "space before a colon": b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "a status of 600": b"HTTP/1.1 600 OK\r\n\r\n",
    "a status of 99": b"HTTP/1.1 099 OK\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "another version": b"HTTP/2.0 200 OK\r\n\r\n",
    "nothing": b"\r\n\r\n",
}


@pytest.mark.parametrize("raw", GARBLED.values(), ids=GARBLED.keys())
def test_an_answer_that_could_be_read_in_two_ways_is_not_passed_on(raw):
    with pytest.raises(Garbled):
        read(raw)


@pytest.mark.parametrize(
    ("response", "length", "chunked"),
    [
        (ok(b"Content-Length: 5"), 5, False),
        (ok(b"Transfer-Encoding: chunked"), None, True),
        (ok(), None, False),
        (ok(b"Content-Length: 5", method=b"HEAD"), 0, False),
        (ok(b"Transfer-Encoding: chunked", method=b"HEAD"), 0, False),
        (ok(status=b"204 No Content"), 0, False),
        (ok(b"Content-Length: 5", status=b"304 Not Modified"), 0, False),
        (ok(status=b"100 Continue"), 0, False),
    ],
)
def test_where_an_answer_ends_follows_rfc_9112(response, length, chunked):
    assert (response.length, response.chunked) == (length, chunked)


def test_hop_by_hop_headers_and_what_the_proxy_says_itself_are_kept_back():
    response = ok(
        b"Connection: keep-alive, X-Private",
        b"Keep-Alive: timeout=5",
        b"X-Private: a",
        b"X-Request-ID: b",
        b"traceparent: c",
        b"Banyan-Side: d",
        b"Proxy-Authenticate: e",
        b"Trailer: f",
        b"Transfer-Encoding: chunked",
        b"Server: g",
    )
    assert response.head == b"HTTP/1.1 200 OK\r\nServer: g\r\n"
    assert not response.has_request_id
    assert not response.has_traceparent


def test_every_cookie_that_is_set_reaches_the_client():
    response = ok(
        b"Set-Cookie: a=1", b"Set-Cookie: b=2", b"X-Request-ID: 1", b"X-Request-ID: 2", b"Content-Length: 0"
    )
    assert b"Set-Cookie: a=1\r\n" in response.head
    assert b"Set-Cookie: b=2\r\n" in response.head
    assert b"X-Request-ID" not in response.head
    assert response.length == 0


def test_an_answer_that_needs_no_change_goes_on_byte_for_byte():
    ids = b"X-Request-ID: mine\r\ntraceparent: " + TRACE[:36] + b"c" * 16 + b"-01\r\n"
    raw = b"HTTP/1.1 200 Fine\r\nserver:x\r\nConnection: keep-alive\r\n" + ids + b"\r\n"
    response = read(raw)
    assert response.head == raw[:-2]
    assert response.says_keep_alive
    assert response.has_request_id
    assert response.has_traceparent


def test_whether_a_connection_may_serve_again():
    assert ok(b"Content-Length: 0").keep_alive
    assert not ok(b"Content-Length: 0", b"Connection: Close").keep_alive
    assert not read(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive


def test_one_reader_reads_answers_whose_bodies_it_never_sees():
    reader = ResponseReader()
    for _ in range(2):
        assert reader.read(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", asked()).length == 9
        assert reader.read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", asked()).chunked
        assert (
            reader.read(
                b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", b"GET"
            ).status
            == 101
        )
        assert reader.read(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", asked()).length is None


@given(st.binary(max_size=200))
def test_garbage_is_garbled_and_nothing_else_is_raised(garbage):
    try:
        response = read(garbage + b"\r\n\r\n")
    except Garbled:
        return
    assert response.head.count(b"\r\n\r\n") == 0
