"""The chunked coding, as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.proxy.chunks import LAST_CHUNK, BadChunk, ChunkDecoder, chunk


def feed(decoder: ChunkDecoder, pieces: list[bytes]) -> None:
    for piece in pieces:
        decoder.feed(piece)


def decode(*pieces: bytes) -> tuple[bytes, bytes]:
    decoder = ChunkDecoder()
    payload = b"".join(b"".join(decoder.feed(piece)) for piece in pieces)
    assert decoder.done
    return payload, decoder.rest


def test_payload_comes_out_and_what_follows_is_left():
    assert decode(b"5\r\nhello\r\n0\r\n\r\nGET /") == (b"hello", b"GET /")


def test_extensions_and_trailers_are_read_past():
    coded = b'5;a=b;c="d"\r\nhello\r\n3 ; x\r\nyou\r\n0\r\nX-Checksum: 1\r\nY:\r\n\r\n'
    assert decode(coded) == (b"helloyou", b"")


BROKEN = {
    "no size": b"\r\nhello\r\n",
    "a size with a sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "a negative size": b"-5\r\nhello\r\n",
    "a size with 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a size with an underscore": b"1_0\r\nhello\r\n",
    "a size with space before it": b" 5\r\nhello\r\n",
    "a size with space after it": b"5 \r\nhello\r\n0\r\n\r\n",
    "a size beyond 60 bits": b"f0000000000000000\r\n",
    "a size ended by LF": b"5\nhello\r\n0\r\n\r\n",
    "a size ended by CR": b"5\rhello\r\n0\r\n\r\n",
    "a chunk that is longer": b"5\r\nhello!\r\n0\r\n\r\n",
    "a chunk ended by LF": b"5\r\nhello\n0\r\n\r\n",
    "a NUL in an extension": b"5;a=\0\r\nhello\r\n0\r\n\r\n",
    "a CR in an extension": b"5;a=\rb\r\nhello\r\n0\r\n\r\n",
    "a trailer that is none": b"0\r\nfoo\r\n\r\n",
    "a folded trailer": b"0\r\nA: b\r\n c\r\n\r\n",
    "a trailer ended by LF": b"0\r\nA: b\n\r\n",
    "an endless size line": b"5;" + b"a" * 2000,
    "endless trailers": b"0\r\n" + b"A: b\r\n" * 2000,
}


@pytest.mark.parametrize("coded", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_what_two_parsers_could_read_differently_is_an_error(coded, piece):
    with pytest.raises(BadChunk):
        feed(ChunkDecoder(), [coded[at : at + piece] for at in range(0, len(coded), piece)])


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.binary(max_size=10), st.data())
def test_the_stream_may_be_cut_anywhere(parts, rest, data):
    coded = b"".join(map(chunk, parts)) + LAST_CHUNK + rest
    cuts = sorted(data.draw(st.lists(st.integers(0, len(coded)), max_size=12)))
    pieces = [coded[a:b] for a, b in zip([0, *cuts], [*cuts, len(coded)], strict=True)]
    decoder = ChunkDecoder()
    payload, left = b"", b""
    for piece in pieces:
        if decoder.done:
            left += piece
        else:
            payload += b"".join(decoder.feed(piece))
    assert decoder.done
    assert payload == b"".join(parts)
    assert decoder.rest + left == rest


@given(st.binary(max_size=100))
def test_garbage_is_an_error_or_waits_for_more(garbage):
    try:
        payload = ChunkDecoder().feed(garbage)
    except BadChunk:
        return
    assert len(b"".join(payload)) <= len(garbage)
