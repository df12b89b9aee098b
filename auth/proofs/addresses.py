"""Addresses that others name and we call: what may be called, so that nobody makes us look into our own network (SSRF).

https alone; the name is looked up once, every address it has is judged, and the call goes to the very one that was
judged, so that a name cannot lead elsewhere in between. Decimal and other odd forms of an address are what the look-up
makes of them. Owns no fetching.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from auth.errors import RefusedAddress

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]

LONGEST: Final = 2048
_PLAIN = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
# For protocols (RFC 6890); part of it counts as public, and a cloud keeps its metadata there.
_PROTOCOLS: Final = ipaddress.ip_network("192.0.0.0/24")


@dataclass(frozen=True, slots=True)
class Target:
    """An https address taken apart."""

    host: str  # without brackets
    port: int
    path: str  # with the query


def target_of(url: str) -> Target:
    """Raises RefusedAddress, which says what is wrong."""
    if len(url) > LONGEST or not _PLAIN.fullmatch(url) or "\\" in url:
        raise RefusedAddress("an address is plain ASCII of at most 2048 characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RefusedAddress("it is no address") from None
    if parts.scheme != "https":
        raise RefusedAddress("an address begins with https://")
    if parts.username is not None or parts.password is not None or "#" in url:
        raise RefusedAddress("an address has neither user name nor fragment")
    host = parts.hostname or ""
    if not _HOST.fullmatch(f"[{host}]" if ":" in host else host) or port == 0:
        raise RefusedAddress("an address needs a host")
    return Target(host, port or 443, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


class Guard:
    """Which addresses may be called. `inside` are networks of our own that the operator has opened for it."""

    def __init__(self, inside: Sequence[Network] = (), lookup: Lookup | None = None) -> None:
        self._inside = tuple(inside)
        self._lookup = lookup or _looked_up

    async def pinned(self, target: Target) -> str:
        """The address to call for `target`. Raises RefusedAddress."""
        try:
            found = await self._lookup(target.host, target.port)
        except (OSError, UnicodeError):
            raise RefusedAddress("the host's name leads nowhere") from None
        # One that may not be called refuses the name as a whole: it is a trap, or becomes one.
        if not found or not all(self.allows(each) for each in found):
            raise RefusedAddress("the host's address is not a public one")
        return found[0]

    def allows(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return False
        if any(address in network for network in self._inside):
            return True
        return all(_is_public(each) for each in _all_of(address))


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and address not in _PROTOCOLS


def _all_of(address: Address) -> Sequence[Address]:
    """With every address that hides in it."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    hidden = [address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        hidden.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return (address, *(each for each in hidden if each is not None))


async def _looked_up(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for _, _, _, _, sockaddr in found]
