"""Trace context (W3C) and request ids."""

from __future__ import annotations

import re

import pytest

from gateway.trace import Tracer

SENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
FORM = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-01")


def test_a_valid_trace_goes_on_with_a_parent_of_ours() -> None:
    parent = Tracer().of(SENT).parent
    assert parent.split(b"-")[1] == SENT.split(b"-")[1]
    assert parent.split(b"-")[2] != SENT.split(b"-")[2]


@pytest.mark.parametrize(
    "sent",
    [
        None,
        b"",
        b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-" + b"0" * 16 + b"-01",
        b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        SENT.upper(),
        SENT + b"-x",
        SENT + b"\n",
    ],
)
def test_anything_else_starts_a_new_trace(sent: bytes | None) -> None:
    parent = Tracer().of(sent).parent
    assert FORM.fullmatch(parent)
    assert b"4bf92f35" not in parent


def test_request_ids_never_repeat() -> None:
    tracer, other = Tracer(), Tracer()
    ids = [t.of(None).request_id for _ in range(100) for t in (tracer, other)]
    assert len(set(ids)) == len(ids)
