"""The lines the gateway adds: their wording, and whose they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auth.principal import Principal
from gateway.catalog.model import Status
from gateway.edge.limits import EdgeLimits
from gateway.edge.peer import TrustedProxies
from gateway.edge.reader import RequestReader
from gateway.headers import Callers, arrival_lines, identity_fields, life_fields, limit_fields, limit_lines
from gateway.trace import Trace
from quota.counters.protocol import unavailable
from quota.plans import Limits
from tests.gateway.line_of_one import reference

PRINCIPAL = Principal("c", "s", "o", "a", "sandbox", frozenset({"b:read", "a:read"}), "jti", 1, 2)
TRACE = Trace(b"1" * 24, b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01")
ISSUER = "https://api.example"


@pytest.mark.parametrize(("peer", "written"), [("1.2.3.4", b"1.2.3.4"), ("2001:db8::1", b'"[2001:db8::1]"')])
def test_forwarded_quotes_what_must_be_quoted(peer: str, written: bytes) -> None:
    reader = RequestReader(EdgeLimits(), TrustedProxies())
    request = reader.read(b"GET / HTTP/1.1\r\nHost: a.test:8080", peer, True)
    lines = arrival_lines(request, b"", b"Sluss-App: a\r\n")
    assert lines == b"Forwarded: for=" + written + b';host="a.test:8080";proto=https\r\nSluss-App: a\r\n'


def test_identity_is_told_in_one_order() -> None:
    assert dict(identity_fields(PRINCIPAL)) == {
        b"Sluss-Organisation": b"o", b"Sluss-App": b"a", b"Sluss-Subject": b"s",
        b"Sluss-Scope": b"a:read b:read", b"Sluss-Environment": b"sandbox",
    }  # fmt: skip


def test_a_caller_is_made_once_per_principal_and_never_mistaken() -> None:
    callers = Callers()
    twin = replace(PRINCIPAL, subject="other")
    first = callers.of(PRINCIPAL)
    assert callers.of(PRINCIPAL) is first
    assert b"Sluss-Subject: other\r\n" in callers.of(twin).lines
    assert b"Sluss-Subject: s\r\n" in callers.of(PRINCIPAL).lines


def test_the_memory_of_callers_is_bounded() -> None:
    callers = Callers(most=3)
    for number in range(100):
        callers.of(replace(PRINCIPAL, token_id=str(number)))
        assert len(callers._known) <= 3


def test_no_limits_no_lines() -> None:
    free = Limits.of(subscription_id="s", plan="p")
    assert limit_lines(unavailable(), free) == b""
    assert limit_fields(unavailable(), free) == []


def test_the_end_of_a_version_names_its_page_and_what_comes_after() -> None:
    api = reference().apis["eko/v1"]
    assert life_fields(api, None, ISSUER) == []
    old = replace(api, status=Status.DEPRECATED, deprecated="2026-06-01", sunset="2027-01-31")
    assert life_fields(old, replace(api, major=2), ISSUER) == [
        (b"Deprecation", b"@1780272000"),
        (b"Sunset", b"Sun, 31 Jan 2027 22:59:59 GMT"),
        (
            b"Link",
            b'<https://api.example/portal/apis/eko/v1/>; rel="deprecation"; type="text/html", '
            b'<https://api.example/portal/apis/eko/v1/>; rel="sunset"; type="text/html", '
            b'<https://api.example/eko/v2/api-info>; rel="successor-version"',
        ),
    ]
