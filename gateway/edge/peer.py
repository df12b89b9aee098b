"""Who is at the other end: the socket's peer, or what a trusted proxy says about it.

Owns the walk from proxy to proxy, through ``X-Forwarded-For`` or the elements of ``Forwarded``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_HOPS: Final = 32
_REMEMBERED: Final = 1024


@dataclass(frozen=True, slots=True)
class Hop:
    """One element of ``Forwarded``: who called the proxy that wrote it, and how. Empty when it does not say."""

    by_whom: str = ""
    proto: str = ""


class TrustedProxies:
    """The networks whose word about the client is believed; none by default."""

    __slots__ = ("_known", "_networks")

    def __init__(self, networks: Iterable[str | Network] = ()) -> None:
        self._networks: tuple[Network, ...] = tuple(
            ipaddress.ip_network(item) if isinstance(item, str) else item for item in networks
        )
        self._known: dict[str, bool] = {}

    def __bool__(self) -> bool:
        """Is there anyone to trust?"""
        return bool(self._networks)

    def trusts(self, address: str) -> bool:
        if not self._networks:
            return False
        known = self._known.get(address)
        if known is None:
            parsed = parse_address(address)
            known = parsed is not None and any(parsed in network for network in self._networks)
            if len(self._known) < _REMEMBERED:
                self._known[address] = known
        return known

    def client(self, peer: str, forwarded_for: Sequence[bytes]) -> str:
        """The nearest address that is not a trusted proxy, walking from the right, where our own proxies
        write.

        The walk ends at the first thing that is no address: what stands to the left of it is the client's to
        invent.
        """
        client = peer
        hops = b",".join(forwarded_for).split(b",")
        for hop in reversed(hops[-_HOPS:]):
            if not self.trusts(client):
                break
            parsed = parse_address(hop.strip(b" \t").decode("latin-1"))
            if parsed is None:
                break
            client = str(parsed)
        return client

    def client_by_hops(self, peer: str, hops: Sequence[Hop]) -> tuple[str, str]:
        """The same walk, and the scheme that the client used: the word of the last proxy that is believed."""
        client, proto = peer, ""
        for hop in reversed(hops):
            if not self.trusts(client):
                break
            proto = hop.proto or proto
            parsed = parse_address(hop.by_whom)
            if parsed is None:
                break
            client = str(parsed)
        return client, proto


def parse_address(text: str) -> Address | None:
    """An IP address, also with a port or in brackets; IPv4 mapped into IPv6 becomes the IPv4 address it
    is.
    """
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
