"""What a client writes itself changes nothing: neither what Sluss decides on nor what the service is told."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from gateway.edge.target import check_path
from tests.deploy.conftest import Front
from tests.deploy.recorder import CLIENT, ask, head
from tests.deploy.test_decide_behind import IDENTITY

# As if it were the proxy that said so: another call, another caller, another client.
SPOOFED = {
    "X-Original-Method": "GET",
    "X-Original-URI": "/eko/v1/echo",
    "X-Forwarded-Method": "GET",
    "X-Forwarded-Uri": "/eko/v1/echo",
    "X-Forwarded-Prefix": "/other",
    "X-Original-URL": "/eko/v1/echo",
    "X-Rewrite-URL": "/eko/v1/echo",
    "Sluss-Organisation": "org_evil",
    "Sluss-App": "app_evil",
    "Sluss-Subject": "evil",
    "Sluss-Scope": "everything",
    "Sluss-Environment": "production",
    "Sluss-Purpose": "vård",
    "Forwarded": "for=203.0.113.9",
    "Client-Cert": ":ZXZpbA==:",
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
}
EVIL = ("evil", "203.0.113.9", "everything", "vård".encode().decode("latin-1"), "/other", "ZXZpbA==")


def spellings(name: str) -> tuple[str, ...]:
    return name, name.lower(), name.upper(), name.replace("-", "_"), name.lower().replace("-", "_")


def lines(how: str) -> list[str]:
    """All of them, in one spelling; `twice` repeats each."""
    number = {"as they are": 0, "lower": 1, "upper": 2, "underscores": 3, "lower underscores": 4, "twice": 0}[
        how
    ]
    found = [
        f"{spellings(name)[number]}: {value.encode().decode('latin-1')}" for name, value in SPOOFED.items()
    ]
    return found * 2 if how == "twice" else found


HOW = ("as they are", "lower", "upper", "underscores", "lower underscores", "twice")


@pytest.mark.parametrize("how", HOW)
def test_a_call_that_may_not_pass_does_not(front: Front, how: str) -> None:
    """No token, another's scope, no route: what the headers name instead would have passed."""
    for line, fields in (
        ("GET /eko/v1/echo", []),
        ("GET /behov/v1/needs", [front.bearer]),
        ("DELETE /eko/v1/stream", [front.bearer]),
        ("GET /nowhere", [front.bearer]),
    ):
        answer = ask(front.port, head(line, *fields, *lines(how)))
        assert answer.status in (400, 401, 403, 404, 405), (line, answer.head)
    assert front.service.taken() == []


@pytest.mark.parametrize("how", HOW)
def test_a_call_that_may_is_the_caller_s_own(front: Front, how: str) -> None:
    answer = ask(front.port, head("GET /eko/v1/echo", front.bearer, *lines(how)))
    arrived = front.service.taken()
    if answer.status == 400:  # refused as a whole is as good
        assert arrived == []
        return
    assert answer.status == 200
    (call,) = arrived
    told = [(name.replace("_", "-"), value) for name, value in call.fields]
    assert [value for name, value in told if name == "sluss-organisation"] == [front.client.organisation_id]
    assert sorted({name for name, _ in told if name.startswith("sluss")}) == sorted(IDENTITY)
    for name, value in told:
        if name not in ("x-forwarded-for", "x-forwarded-host"):
            assert not any(word in value for word in EVIL), (name, value)
    # The proxy's own word about the client ends with the peer it saw (Envoy writes its own address for loopback).
    (hops,) = call.values("x-forwarded-for")
    assert is_the_peer(front, hops.split(",")[-1].strip())


def test_the_client_s_address_is_the_peer_s(front: Front) -> None:
    """It stands in the record as the proxy saw it, whatever the client claims to have come through."""
    before = len(_peers(front))
    ask(
        front.port,
        head("GET /eko/v1/echo", front.bearer, "X-Forwarded-For: 203.0.113.9, 127.0.0.1, 127.0.0.1"),
    )
    front.service.taken()
    front.platform.wait(lambda: len(_peers(front)) > before)
    assert all(is_the_peer(front, peer) for peer in _peers(front)[before:])


def is_the_peer(front: Front, address: str) -> bool:
    """For a client on loopback Envoy writes an address of its machine instead."""
    return address == CLIENT or (front.name == "envoy" and address not in ("203.0.113.9", "127.0.0.1", ""))


def _peers(front: Front) -> list[str]:
    log = (front.platform.folder / "access-0.log").read_text()
    return [line.partition('"peer":"')[2].partition('"')[0] for line in log.splitlines()]


@pytest.mark.parametrize(
    "fields",
    [
        ("Authorization: Bearer evil",),
        ("Authorization: Basic ZXZpbDpldmls",),
        ("Connection: Authorization",),
        ("Connection: X-Original-URI, X-Forwarded-Uri, Sluss-Organisation",),
        ("Connection: close, X-Forwarded-Method",),
    ],
)
def test_a_second_identity_or_a_named_hop_header(front: Front, fields: tuple[str, ...]) -> None:
    """`Connection` may not take away what the proxy writes, nor a second Authorization choose the caller."""
    for order in ((front.bearer, *fields), (*fields, front.bearer)):
        answer = ask(front.port, head("GET /eko/v1/echo", *order))
        arrived = front.service.taken()
        assert answer.status in (200, 400, 401)
        assert len(arrived) == (answer.status == 200)
        for call in arrived:
            assert call.values("sluss-organisation") == [front.client.organisation_id]


# The token may call /eko/v1/echo and nothing else; each of these leads some reader somewhere else.
PATHS = (
    "/eko/v1/echo/../../../behov/v1/needs",
    "/eko/v1/echo/%2e%2e/%2e%2e/%2e%2e/behov/v1/needs",
    "/eko/v1/echo/..%2f..%2f..%2fbehov/v1/needs",
    "/eko/v1/../../behov/v1/needs",
    "/behov/v1/../../eko/v1/echo",
    "//behov/v1/needs",
    "/eko/v1//echo",
    "//eko/v1/echo",
    "/./eko/v1/echo",
    "/eko/v1/echo/.",
    "/eko/v1/echo/..",
    "/eko/v1/%65cho",
    "/eko/v1/echo%2F",
    "/eko%2Fv1%2Fecho",
    "/eko/v1/echo%00",
    "/eko/v1/echo%5c..",
    "/eko/v1/echo\\..\\..",
    "/eko/v1/echo;a=b",
    "/eko/v1/echo%3B",
    "/eko/v1/echo%252e",
    "/eko/v1/echo#/behov/v1/needs",
    "/eko/v1/echo%23",
    "/eko/v1/echo%3F",
    "/eko/v1/echo%zz",
    "/eko/v1/echo%c0%ae",
    "/eko/v1/echo%EF%BC%8Fx",
    "http://localhost/eko/v1/echo",
    "http://evil.example/behov/v1/needs",
    "http://evil.example//eko/v1/echo",
    "*",
    "eko/v1/echo",
    "/decide/eko/v1/echo",
    "/decide/../eko/v1/echo",
    "/_sluss",
    "/_sluss/../eko/v1/echo",
)


@pytest.mark.parametrize("path", PATHS)
def test_the_service_sees_the_path_that_was_decided(front: Front, path: str) -> None:
    """Refused, or resolved before the question; never one path for Sluss and another for the service."""
    for method in ("GET", "POST"):
        answer = ask(front.port, head(f"{method} {path}", front.bearer, "Content-Length: 0"))
        arrived = front.service.taken()
        assert len(arrived) == (answer.status == 200), (answer.head, arrived)
        for call in arrived:
            verb, target, _ = call.line.decode().split(" ")
            assert verb == method
            assert check_path(target.encode()) == target
            assert target == "/eko/v1/echo" or target.startswith("/eko/v1/echo/"), target
            assert target.count("/") <= 4


def test_a_query_arrives_as_it_was_written(front: Front) -> None:
    for query in ("a=1&a=2", "a=%2F..%2F", "path=/behov/v1/needs", "a=b?c=d", "a=+&b=%20", "?"):
        answer = ask(front.port, head(f"GET /eko/v1/echo?{query}", front.bearer))
        (arrived,) = front.service.taken()
        assert (answer.status, arrived.line) == (200, f"GET /eko/v1/echo?{query} HTTP/1.1".encode())


def test_a_semicolon_in_a_query_stays_one(front: Front) -> None:
    """To some it is `&`: Traefik writes it so that nobody can take it for one."""
    ask(front.port, head("GET /eko/v1/echo?a;b", front.bearer))
    (arrived,) = front.service.taken()
    wanted = b"a%3Bb" if front.name == "traefik" else b"a;b"
    assert arrived.line == b"GET /eko/v1/echo?%b HTTP/1.1" % wanted


def test_what_could_end_a_head_early_reaches_nobody(front: Front) -> None:
    """Smuggling between proxy and service: two framings, or a line feed in the path."""
    for request in (
        head("POST /eko/v1/echo", front.bearer, "Content-Length: 4", "Transfer-Encoding: chunked")
        + b"0\r\n\r\n",
        head("POST /eko/v1/echo", front.bearer, "Content-Length: 4", "Content-Length: 5") + b"aaaaa",
        head("GET /eko/v1/echo", front.bearer, "Transfer-Encoding : chunked"),
    ):
        answer = ask(front.port, request)
        arrived = front.service.taken()
        assert len(arrived) <= 1
        for call in arrived:
            assert call.complete
            assert not (call.values("content-length") and call.values("transfer-encoding")), call.head
        assert answer.status in (200, 400, 501), answer.head
    with suppress(asyncio.IncompleteReadError):  # to nginx this is HTTP/0.9, whose answer has no head
        assert ask(front.port, head("GET /eko/v1/echo\nX: y", front.bearer)).status >= 400
    assert front.service.taken() == []
