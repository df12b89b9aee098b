"""Proxy mode behind nginx and HAProxy that end TLS: who calls, over what, and that `/decide` is not public."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.bench.machine import find_program
from tests.deploy import fronts
from tests.deploy.recorder import CLIENT, head
from tests.line.platform import Client, Platform
from tests.line_support.raw_client import RawAnswer, RawClient


@dataclass(frozen=True, slots=True)
class Front:
    name: str
    port: int
    trust: ssl.SSLContext
    platform: Platform
    client: Client
    token: str

    def ask(self, line: str, *fields: str) -> RawAnswer:
        return asyncio.run(_ask(self.port, self.trust, head(line, *fields)))


async def _ask(port: int, trust: ssl.SSLContext, request: bytes) -> RawAnswer:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=trust, server_hostname="localhost", local_addr=(CLIENT, 0)
    )
    client = RawClient(reader, writer)
    try:
        return await client.ask(request)
    finally:
        await client.close()


def _nginx(place: fronts.Place, certificate: Path, key: Path, both: Path) -> list[str]:
    changes = {
        "127.0.0.1:8080": f"127.0.0.1:{place.sluss_port}",
        "127.0.0.1:8443": f"127.0.0.1:{place.port}",
        "/etc/sluss/certificate.pem": str(certificate),
        "/etc/sluss/key.pem": str(key),
    }
    return fronts.nginx(place, place.written("nginx/edge.conf", changes))


def _haproxy(place: fronts.Place, certificate: Path, key: Path, both: Path) -> list[str]:
    changes = {
        "127.0.0.1:8080": f"127.0.0.1:{place.sluss_port}",
        "127.0.0.1:8443": f"127.0.0.1:{place.port}",
        "/etc/sluss/certificate-and-key.pem": str(both),
    }
    return ["-db", "-f", str(place.written("haproxy/edge.cfg", changes))]


@pytest.fixture(scope="module", params=["haproxy", "nginx"])
def front(
    request: pytest.FixtureRequest,
    asked: Platform,
    caller: tuple[Client, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Front]:
    name: str = request.param
    if find_program(name) is None:
        pytest.skip(f"{name} WAS NOT TESTED, it is not installed (apt-get install {name})")
    folder = tmp_path_factory.mktemp(f"edge-{name}")
    place = fronts.place(folder, asked.ports[0], 0)
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    certificate, key, both = folder / "certificate.pem", folder / "key.pem", folder / "both.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    issued.private_key_and_cert_chain_pem.write_to_path(both)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    made = Front(name, place.port, trust, asked, *caller)
    process = fronts.start(
        folder, name, (_nginx if name == "nginx" else _haproxy)(place, certificate, key, both)
    )
    try:
        process.wait_until(lambda: _serves(made))
        yield made
    finally:
        process.end(keep=False)


def _serves(front: Front) -> bool:
    with suppress(OSError, asyncio.IncompleteReadError):
        return front.ask("GET /eko/v1/echo").status == 401
    return False


def test_the_service_is_told_of_the_client_and_of_tls(front: Front) -> None:
    """Whatever the client claims to have come through; the backend echoes the headers it got."""
    answer = front.ask(
        "GET /eko/v1/echo?a=1", f"Authorization: Bearer {front.token}", "X-Forwarded-For: 203.0.113.9",
        "X-Forwarded-Proto: http", "Forwarded: for=203.0.113.9", "Client-Cert: :ZXZpbA==:", "Sluss-App: evil",
    )  # fmt: skip
    assert answer.status == 200, answer.body
    told = {item["name"].lower(): item["value"] for item in json.loads(answer.body)["headers"]}
    assert told["forwarded"] == f'for={CLIENT};host="localhost";proto=https'
    assert told["sluss-app"] == front.client.app_id
    assert "client-cert" not in told
    assert answer.field("ratelimit") is not None


@pytest.mark.parametrize("path", ["/decide", "/decide/eko/v1/echo", "/decide/", "/eko/../decide/eko/v1/echo"])
def test_clients_cannot_ask_through_it(front: Front, path: str) -> None:
    """Sluss trusts the proxy; so the proxy must not lend its name to anybody."""
    question = ("X-Original-Method: GET", "X-Original-URI: /eko/v1/echo")
    answer = front.ask(f"GET {path}", f"Authorization: Bearer {front.token}", *question)
    assert answer.status in (400, 404), answer.head
    assert answer.field("sluss-app") is None


def test_paths_go_on_as_they_were_written(front: Front) -> None:
    for path in ("/eko/v1/echo/../echo", "/eko/v1//echo", "/eko/v1/%65cho", "/eko/v1/echo%2F"):
        answer = front.ask(f"GET {path}", f"Authorization: Bearer {front.token}")
        assert answer.status == 400, answer.head


def test_refusals_are_sluss_s_own(front: Front) -> None:
    answer = front.ask("GET /eko/v1/echo")
    assert (answer.status, json.loads(answer.body)["code"]) == (401, "missing-token")
    assert answer.field("www-authenticate") == 'Bearer realm="sluss"'
