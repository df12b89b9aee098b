"""Addresses no publication may lead calls to (SSRF): what answers there is never a region's service.

Private networks and loopback are where a region's services are, so they are allowed. Refused are link-local
addresses, with them the metadata services of clouds, which hand out the machine's credentials to whoever asks, and
what names no single machine. Asked when a publication is read and again for each address that a name resolves to.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Metadata services outside the link-local networks: Amazon's over IPv6, Alibaba's, Oracle's.
METADATA: Final = frozenset(
    ipaddress.ip_address(text) for text in ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")
)


def address_of(host: str) -> Address | None:
    """The address a host text stands for, in every spelling the system's resolver takes: `0xa9fea9fe`,
    `169.254.43518`, `[::ffff:a9fe:a9fe]`. None for a name.
    """
    text = host.strip("[]").partition("%")[0]
    try:
        found: Address = ipaddress.ip_address(text)
    except ValueError:
        try:
            found = ipaddress.IPv4Address(socket.inet_aton(text))
        except OSError:
            return None
    return _inner(found)


def why_reserved(address: Address) -> str:
    """The reason to refuse it, empty when there is none."""
    address = _inner(address)
    if address in METADATA:
        return "the metadata service of a cloud"
    if address.is_link_local:
        return "a link-local address, where clouds keep their metadata service"
    if address.is_multicast or address.is_unspecified or address == ipaddress.IPv4Address("255.255.255.255"):
        return "an address of no single machine"
    if isinstance(address, ipaddress.IPv4Address) and address in ipaddress.IPv4Network("0.0.0.0/8"):
        return "an address of no single machine"
    return ""


def _inner(address: Address) -> Address:
    """The IPv4 address within an IPv6 one: mapped, NAT64, 6to4, or compatible."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in ipaddress.IPv6Network("64:ff9b::/96") or (
        address in ipaddress.IPv6Network("::/96") and int(address) > 0xFFFF
    ):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
