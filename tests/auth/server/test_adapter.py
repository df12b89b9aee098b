"""Whose address counts: the edge's word on loopback, the socket's otherwise (promise H20)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.server.adapter import caller


@pytest.mark.parametrize(
    ("peer", "forwarded", "ip"),
    [
        ("127.0.0.1", ["for=192.0.2.1;proto=https;host=x"], "192.0.2.1"),
        ("127.0.0.1", ["FOR=192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["proto=http;for=192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ['for="192.0.2.1:4711"'], "192.0.2.1"),
        ("127.0.0.1", ['for="[2001:db8::1]"'], "2001:db8::1"),
        ("::1", ['for="[2001:db8::1]:4711"'], "2001:db8::1"),
        ("127.0.0.1", ["for=203.0.113.9, for=192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["for=unknown"], "127.0.0.1"),
        ("127.0.0.1", ["for=_hidden"], "127.0.0.1"),
        ("127.0.0.1", ["by=192.0.2.1"], "127.0.0.1"),
        ("127.0.0.1", ["for=192.0.2.1", "for=192.0.2.2"], "127.0.0.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("203.0.113.7", ["for=192.0.2.1"], "203.0.113.7"),
        ("", ["for=192.0.2.1"], ""),
    ],
)
def test_the_callers_address(peer: str, forwarded: list[str], ip: str) -> None:
    assert caller(peer, forwarded) == ip


@given(st.text(max_size=80))
def test_any_header_gives_an_address(header: str) -> None:
    assert len(caller("127.0.0.1", [f"for={header}"])) <= 64
