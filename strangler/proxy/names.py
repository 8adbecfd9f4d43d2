"""Which headers mean something to the proxy, in requests and in answers. All others it passes on unread."""

from typing import Final

from strangler.proxy.heads import Kinds

(
    HOST,
    CONNECTION,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    AUTHORIZATION,
    COOKIE,
    REQUEST_ID,
    TRACEPARENT,
    FORWARDED_FOR,
    FORWARDED_PROTO,
    FORWARDED_HOST,
    EXPECT,
    UPGRADE,
    HOP,
    VIA_LIST,
    COHORT,
    KEPT_BACK,
) = range(1, 18)

_OF_REQUESTS: Final = {
    b"host": HOST,
    b"connection": CONNECTION,
    b"content-length": CONTENT_LENGTH,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"authorization": AUTHORIZATION,
    b"cookie": COOKIE,
    b"x-request-id": REQUEST_ID,
    b"traceparent": TRACEPARENT,
    b"x-forwarded-for": FORWARDED_FOR,
    b"x-forwarded-proto": FORWARDED_PROTO,
    b"x-forwarded-host": FORWARDED_HOST,
    b"expect": EXPECT,
    b"upgrade": UPGRADE,
    # hop-by-hop whether or not Connection names them (RFC 9110 §7.6.1); with trailers goes their offer
    b"keep-alive": HOP,
    b"proxy-connection": HOP,
    b"proxy-authorization": HOP,
    b"te": HOP,
    b"trailer": HOP,
    b"http2-settings": HOP,
    b"via": VIA_LIST,
    b"banyan-cohort": COHORT,
}
_ONLY_A_PROXY_SAYS: Final = (
    b"forwarded",
    b"x-real-ip",
    b"x-forwarded-port",
    b"x-forwarded-prefix",
    b"x-forwarded-server",
)
OF_TRUSTED: Final = Kinds(_OF_REQUESTS)
OF_STRANGERS: Final = Kinds(_OF_REQUESTS | dict.fromkeys(_ONLY_A_PROXY_SAYS, HOP))

OF_UPSTREAMS: Final = Kinds(
    {
        b"connection": CONNECTION,
        b"content-length": CONTENT_LENGTH,
        b"transfer-encoding": TRANSFER_ENCODING,
        b"upgrade": UPGRADE,
        b"x-request-id": REQUEST_ID,
        b"traceparent": TRACEPARENT,
        # hop-by-hop, and what the proxy says itself
        b"keep-alive": KEPT_BACK,
        b"proxy-connection": KEPT_BACK,
        b"proxy-authenticate": KEPT_BACK,
        b"trailer": KEPT_BACK,
        b"te": KEPT_BACK,
        b"banyan-side": KEPT_BACK,
    }
)
