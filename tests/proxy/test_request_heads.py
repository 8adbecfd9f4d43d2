"""Requests' heads, as bytes: what is refused before a byte goes upstream, and what goes upstream."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.proxy.refusals import Refused
from strangler.proxy.requests import Peer, RequestHead, RequestReader

EDGE = Peer(b"10.0.0.7", trusted=True)
STRANGER = Peer(b"198.51.100.9", trusted=False)


def read(raw: bytes, peer: Peer = EDGE) -> RequestHead:
    return RequestReader(peer, max_headers=100).read(raw)


def get(*lines: bytes, target: bytes = b"/", peer: Peer = EDGE) -> RequestHead:
    return read(b"\r\n".join((b"GET " + target + b" HTTP/1.1", b"Host: banyan.test", *lines, b"", b"")), peer)


def forwarded(request: RequestHead) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for line in request.forwarded[:-4].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        found.setdefault(name.lower(), []).append(value.strip())
    return found


POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
SMUGGLING = {
    "both lengths": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "both lengths, the other way": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    "two lengths that differ": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "two lengths alike": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "two lengths in two spellings": POST + b"Content-Length: 5\r\ncontent-length: 5\r\n\r\n",
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\n",
    "a signed length": POST + b"Content-Length: +5\r\n\r\n",
    "a negative length": POST + b"Content-Length: -5\r\n\r\n",
    "a hexadecimal length": POST + b"Content-Length: 0x5\r\n\r\n",
    "a length with a space in it": POST + b"Content-Length: 5 5\r\n\r\n",
    "a length with an underscore": POST + b"Content-Length: 5_0\r\n\r\n",
    "an empty length": POST + b"Content-Length: \r\n\r\n",
    "a length beyond 64 bits": POST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "two encodings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
    "chunked in two headers": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunked in two spellings": POST + b"Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
    "an encoding that is not chunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "chunked not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n",
    "an encoding with a control character": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n",
    "an encoding in quotes": POST + b'Transfer-Encoding: "chunked"\r\n\r\n',
    "an encoding in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "space before a colon": POST + b"Content-Length : 5\r\n\r\n",
    "a tab before a colon": POST + b"Transfer-Encoding\t: chunked\r\n\r\n",
    "a folded header": POST + b"X: a\r\n b\r\n\r\n",
    "a folded encoding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n",
    "a folded first header": b"POST / HTTP/1.1\r\n Host: a\r\n\r\n",
    "a bare LF": POST + b"X: b\nContent-Length: 5\r\n\r\n",
    "a bare LF after the request line": b"POST / HTTP/1.1\nHost: a\r\n\r\n",
    "a bare CR": POST + b"X: b\rContent-Length: 5\r\n\r\n",
    "a NUL": POST + b"X: b\0c\r\n\r\n",
    "a NUL in a name": POST + b"X\0: b\r\n\r\n",
    "another control character": POST + b"X: b\x01c\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\nX: a\r\n\r\n",
    "an empty Host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "two Hosts alike": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "two Hosts in two spellings": b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
    "a Host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a Host with a user": b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
    "a list of Hosts": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a target of another host": b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target of another port": b"GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target with a user": b"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target of another scheme": b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target without a slash": b"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
    "an asterisk for GET": b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment": b"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a control character in the target": b"GET /a\x7f HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes above ASCII in the target": b"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
    "dot segments": b"GET /api/search/../bookings HTTP/1.1\r\nHost: a\r\n\r\n",
    "encoded dot segments": b"GET /api/search/%2e%2E/bookings HTTP/1.1\r\nHost: a\r\n\r\n",
    "a dot segment at the end": b"GET /api/.. HTTP/1.1\r\nHost: a\r\n\r\n",
    "a line without a colon": b"GET / HTTP/1.1\r\nHost: a\r\nfoo\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "a space in a name": b"GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n",
    "no request line": b"\r\n\r\n",
    "Connection names Host": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: host\r\n\r\n",
    "Connection names a length": POST + b"Content-Length: 5\r\nConnection: content-length\r\n\r\n",
    "two tokens": b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n",
}


@pytest.mark.parametrize("raw", SMUGGLING.values(), ids=SMUGGLING.keys())
def test_what_two_parsers_could_read_differently_is_refused(raw):
    with pytest.raises(Refused) as refused:
        read(raw)
    assert refused.value.refusal.status == 400


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 405),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\n", 505),
        (POST + b"Content-Length: 3\r\nExpect: 200-ok\r\n\r\n", 417),
        (b"GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 banyan\r\n\r\n", 508),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(100)) + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 100 + b"\r\n", 431),
    ],
)
def test_what_is_not_for_us_is_refused_by_name(raw, status):
    with pytest.raises(Refused) as refused:
        read(raw)
    assert refused.value.refusal.status == status


def test_hop_by_hop_headers_and_those_that_connection_names_go_no_further():
    sent = forwarded(
        get(
            b"Connection: keep-alive, X-Private",
            b"Keep-Alive: timeout=5",
            b"X-Private: secret",
            b"x-private: too",
            b"TE: trailers",
            b"Trailer: X-Checksum",
            b"Proxy-Connection: keep-alive",
            b"Proxy-Authorization: Basic Zm9v",
            b"Upgrade: h2c",
            b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
            b"Accept: text/html",
        )
    )
    assert sent.keys() == {
        b"host",
        b"accept",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-request-id",
        b"traceparent",
    }


def test_a_trusted_edge_is_believed_and_appended_to():
    request = get(
        b"X-Forwarded-For: 203.0.113.5, 198.51.100.2",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: banyan.example",
        b"X-Real-IP: 203.0.113.5",
        b"Via: 1.1 edge",
    )
    sent = forwarded(request)
    assert sent[b"x-forwarded-for"] == [b"203.0.113.5, 198.51.100.2", b"10.0.0.7"]
    assert sent[b"x-forwarded-proto"] == [b"https"]
    assert sent[b"x-forwarded-host"] == [b"banyan.example"]
    assert sent[b"x-real-ip"] == [b"203.0.113.5"]
    assert sent[b"via"] == [b"1.1 edge", b"1.1 banyan"]
    assert request.address == b"198.51.100.2"
    assert request.scheme == b"https"


def test_a_stranger_is_not_believed():
    request = get(
        b"X-Forwarded-For: 127.0.0.1",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: evil.example",
        b"X-Real-IP: 127.0.0.1",
        b"Forwarded: for=127.0.0.1",
        b"X-Forwarded-Port: 443",
        peer=STRANGER,
    )
    sent = forwarded(request)
    assert sent[b"x-forwarded-for"] == [b"198.51.100.9"]
    assert sent[b"x-forwarded-proto"] == [b"http"]
    assert sent[b"x-forwarded-host"] == [b"banyan.test"]
    assert not sent.keys() & {b"x-real-ip", b"forwarded", b"x-forwarded-port"}
    assert request.address == b"198.51.100.9"


@pytest.mark.parametrize("sent", [b"0190c5f0-aaaa-7bbb-8ccc-1234567890ab", b"abc", b"a" * 128])
def test_a_request_id_that_is_well_formed_is_taken(sent):
    request = get(b"x-request-id: " + sent)
    assert request.request_id == sent
    assert forwarded(request)[b"x-request-id"] == [sent]


@pytest.mark.parametrize("sent", [b"", b"a b", b'"', b"a" * 129, b"\xff", b"<script>"])
def test_a_request_id_that_is_not_well_formed_is_made_anew(sent):
    request = get(b"X-Request-ID: " + sent)
    assert re.fullmatch(rb"[0-9a-f]{32}", request.request_id)
    assert forwarded(request)[b"x-request-id"] == [request.request_id]


def test_a_trace_is_passed_on_or_made_and_the_made_one_shares_the_request_id():
    sent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert forwarded(get(b"traceparent: " + sent))[b"traceparent"] == [sent]
    made = get(b"traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01")
    assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-00", made.traceparent)
    assert made.traceparent[3:35] == made.request_id
    of_edge = get(b"X-Request-ID: 4bf92f3577b34da6a3ce929d0e0e4736")
    assert of_edge.traceparent[3:35] == of_edge.request_id


def test_repeated_headers_all_go_upstream_in_their_order():
    sent = forwarded(
        get(b"Accept: a", b"X: 1", b"Accept: b", b"X: 2", b"X: 3", b"Cookie: a=1", b"Cookie: b=2")
    )
    assert sent[b"accept"] == [b"a", b"b"]
    assert sent[b"x"] == [b"1", b"2", b"3"]
    assert sent[b"cookie"] == [b"a=1; b=2"]


def test_the_absolute_form_of_the_same_host_becomes_a_path():
    request = get(target=b"http://BANYAN.test/a?b=c")
    assert request.target == b"/a?b=c"
    assert get(target=b"http://banyan.test").target == b"/"
    assert read(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").target == b"*"


def test_a_path_is_sent_as_it_came():
    request = get(target=b"/api/b%6Fokings/a%2Fb?x=%2e%2e/..")
    assert request.path == b"/api/b%6Fokings/a%2Fb"
    assert request.target == b"/api/b%6Fokings/a%2Fb?x=%2e%2e/.."
    assert get(target=b"/.well-known/jwks.json").path == b"/.well-known/jwks.json"


def test_a_websocket_may_upgrade_and_nothing_else():
    request = get(b"Connection: keep-alive, Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: a")
    sent = forwarded(request)
    assert request.upgrade
    assert sent[b"connection"] == [b"Upgrade"]
    assert sent[b"upgrade"] == [b"websocket"]
    for lines in (
        (b"Upgrade: websocket",),
        (b"Connection: Upgrade", b"Upgrade: h2c"),
        (b"Connection: Upgrade",),
    ):
        request = get(*lines)
        assert not request.upgrade
        assert not forwarded(request).keys() & {b"connection", b"upgrade"}


def test_keep_alive_is_the_default_of_1_1_and_the_exception_of_1_0():
    assert get().keep_alive
    assert not get(b"Connection: close").keep_alive
    assert not get(b"Connection: Close, X").keep_alive
    assert not read(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n").keep_alive
    assert read(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n").keep_alive


def test_one_reader_reads_requests_one_after_the_other_with_and_without_bodies():
    reader = RequestReader(EDGE, max_headers=100)
    for _ in range(2):
        assert reader.read(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n").content_length == 5
        assert reader.read(b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").chunked
        upgrade = b"GET /c HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
        assert reader.read(upgrade).upgrade
        plain = reader.read(b"GET /d HTTP/1.1\r\nHost: a\r\n\r\n")
        assert plain.target == b"/d"
        assert (plain.content_length, plain.chunked, plain.upgrade) == (0, False, False)


def test_empty_values_and_trailing_space_are_no_trouble():
    request = read(b"GET / HTTP/1.1\r\nX-Empty:\r\nHost: a \t\r\nX: b \r\nAccept:a\r\n\r\n")
    assert request.host == b"a"
    assert forwarded(request)[b"x-empty"] == [b""]
    assert forwarded(request)[b"accept"] == [b"a"]


TOKEN = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=12).map(str.encode)
VALUE = st.binary(max_size=20).map(lambda raw: bytes(b for b in raw if b >= 32 and b != 127).strip())


def test_a_head_that_needs_no_change_goes_on_byte_for_byte():
    lines = b"HOST:a\r\nx-y:  z \r\nConnection: keep-alive\r\nX-Forwarded-For: 203.0.113.5\r\n"
    raw = b"GET /a?b=c HTTP/1.1\r\n" + lines + b"\r\n"
    assert read(raw).forwarded.startswith(raw[:-4] + b"\r\n")


@given(st.lists(st.tuples(TOKEN, VALUE), max_size=12))
def test_whatever_is_sent_on_is_one_head_with_each_ordinary_header_in_it(headers):
    raw = b"".join(b"X-%b: %b\r\n" % pair for pair in headers)
    request = read(b"GET / HTTP/1.1\r\nHost: a\r\n" + raw + b"\r\n")
    assert request.forwarded.count(b"\r\n\r\n") == 1
    assert request.forwarded.endswith(b"\r\n\r\n")
    sent = request.forwarded[:-4].split(b"\r\n")
    for name, value in headers:
        assert b"X-%b: %b" % (name, value) in sent


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_nothing_else_is_raised(garbage):
    try:
        request = read(garbage + b"\r\n\r\n")
    except Refused:
        return
    assert request.forwarded.count(b"\r\n\r\n") == 1


@given(st.sampled_from(list(SMUGGLING.values())), st.data())
def test_a_smuggling_attempt_with_one_byte_changed_crashes_nothing(raw, data):
    at = data.draw(st.integers(0, max(0, len(raw) - 5)))
    changed = raw[:at] + data.draw(st.binary(min_size=1, max_size=1)) + raw[at + 1 :]
    try:
        request = read(changed)
    except Refused:
        return
    assert request.forwarded.count(b"\r\n\r\n") == 1
    assert (
        request.forwarded.count(b"\n") == request.forwarded.count(b"\r\n") == request.forwarded.count(b"\r")
    )
