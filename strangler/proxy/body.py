"""A request's body on its way upstream: counted or decoded, and coded again. No I/O."""

from typing import TYPE_CHECKING

from strangler.proxy.chunks import LAST_CHUNK, ChunkDecoder, chunk

if TYPE_CHECKING:
    from strangler.proxy.requests import RequestHead


class RequestBody:
    __slots__ = ("_decoder", "_left", "complete", "received", "rest")

    def __init__(self, request: "RequestHead") -> None:
        self._left = request.content_length
        self._decoder = ChunkDecoder() if request.chunked else None
        self.received = 0
        """Bytes of payload so far."""
        self.complete = not (request.chunked or request.content_length)
        self.rest = b""
        """Once complete: what belongs to the next request."""

    def take(self, data: bytes) -> bytes:
        """What goes upstream of these bytes. Raises `BadChunk`."""
        decoder = self._decoder
        if decoder is None:
            out, self.rest = data[: self._left], data[self._left :]
            self._left -= len(out)
            self.received += len(out)
            self.complete = not self._left
            return out
        parts = decoder.feed(data)
        self.received += sum(map(len, parts))
        self.complete = decoder.done
        self.rest = decoder.rest
        out = b"".join(map(chunk, parts))
        return out + LAST_CHUNK if self.complete else out
