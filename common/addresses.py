"""Which address a request comes from, as far as it can be believed.

Every proxy of ours appends the address that it was called from to X-Forwarded-For. So the list is read from
its end: what our own proxies say is believed, and the first address that is none of theirs is the client's.
What stands before it was written by the client, who may write anything.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

UNKNOWN: Final = "unknown"


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks from ``10.0.0.0/8`` or single addresses; raises ValueError for what is neither."""
    return tuple(ip_network(text, strict=False) for text in texts)


def client_address(peer: str | None, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The client's address; `peer` is who opened the connection, `forwarded_for` the whole header.

    If all of them are ours (somebody on this machine), it is the one farthest away.
    """
    client = _address(peer or "")
    for hop in reversed(forwarded_for.split(",")):
        if client is None or not _is_in(client, trusted):
            break
        nearer = _address(hop.strip())
        if nearer is None:
            break
        client = nearer
    return str(client) if client else UNKNOWN


def throttled_as(address: str) -> str:
    """What attempts are counted under: an IPv6 customer has a /64 to choose addresses from."""
    parsed = _address(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed) if parsed else UNKNOWN


def _address(text: str) -> Address | None:
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed


def _is_in(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)
