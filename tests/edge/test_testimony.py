"""What a trusted proxy says of the client: address and scheme in one notation, certificate where it is asked for."""

from __future__ import annotations

import base64
import ssl

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.door.client_certificate import MOST_IN_CHAIN, Source
from gateway.edge.door.testimony import Notation, hops
from gateway.edge.errors import MalformedField
from gateway.edge.peer import Hop
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import Door, running_edge
from tests.line_support.scripted_upstream import OK, answering, scripted_upstream

TRUSTED = ("127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48")
BY_RFC: Door = {"notation": Notation.FORWARDED}


def asked(*lines: str) -> bytes:
    return "\r\n".join(["GET /a HTTP/1.1", "Host: sluss.test", *lines, "", ""]).encode("latin-1")


async def outcome(
    request: bytes, door: Door | None = None, trusted: tuple[str, ...] = TRUSTED
) -> tuple[int, str, bool]:
    """Status, and the client as the line sees it. Nothing of what was said reaches the upstream."""
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, trusted=trusted, door=door) as edge,
        raw_client(edge.port) as client,
    ):
        status = (await client.ask(request)).status
        if status != 200:
            assert upstream.visits == 0
            return status, "", False
        names = {name for name, _ in upstream.arrived[0].fields}
        assert not {name for name in names if "forwarded" in name or "cert" in name}
        return status, edge.requests[0].peer, edge.requests[0].secure


@pytest.mark.parametrize(
    ("lines", "peer", "secure"),
    [
        (["Forwarded: for=192.0.2.7"], "192.0.2.7", False),
        (["Forwarded: for=192.0.2.7;proto=https"], "192.0.2.7", True),
        (["forwarded: Proto=HTTPS;FOR=192.0.2.7"], "192.0.2.7", True),
        (['Forwarded: for="192.0.2.7:4711"'], "192.0.2.7", False),
        (['Forwarded: for="[2001:db8:2::7]:4711";proto=http;by=10.0.0.1'], "2001:db8:2::7", False),
        (["Forwarded: for=198.51.100.1, for=192.0.2.7;proto=https"], "192.0.2.7", True),
        # the walk goes on through our own proxies, and the scheme is the one the client used
        (["Forwarded: for=192.0.2.7;proto=https, for=10.0.0.2;proto=http"], "192.0.2.7", True),
        (["Forwarded: for=192.0.2.7;proto=http, for=10.0.0.2;proto=https"], "192.0.2.7", False),
        (["Forwarded: for=192.0.2.7", "Forwarded: for=10.0.0.2;proto=https"], "192.0.2.7", True),
        (["Forwarded: for=192.0.2.7;proto=https;host=evil.test, , for=10.0.0.2"], "192.0.2.7", True),
        # what names nobody ends it
        (["Forwarded: for=198.51.100.1, for=unknown"], "127.0.0.1", False),
        (["Forwarded: for=198.51.100.1, for=_hidden, for=10.0.0.2"], "10.0.0.2", False),
        (["Forwarded: proto=https"], "127.0.0.1", True),
        # the other notation is not read, alone or beside
        (["X-Forwarded-For: 198.51.100.1", "X-Forwarded-Proto: https"], "127.0.0.1", False),
        (
            ["X-Forwarded-For: 198.51.100.1", "Forwarded: for=192.0.2.7", "X-Forwarded-Proto: https"],
            "192.0.2.7",
            False,
        ),
    ],
)
async def test_forwarded(lines: list[str], peer: str, secure: bool) -> None:
    """H20, in the notation of RFC 7239."""
    assert await outcome(asked(*lines), BY_RFC) == (200, peer, secure)


@pytest.mark.parametrize(
    "value",
    [
        'for="198.51.100.1', 'for="x, for=192.0.2.7', 'for="a" b', "for", "for=", "=192.0.2.7", "for=[::1]",
        "for=192.0.2.7:80", "for=192.0.2.7;", ";for=192.0.2.7", "for=192.0.2.7;;proto=https", "for = 192.0.2.7",
        "for=192.0.2.7;for=10.0.0.1", "for=192.0.2.7 for=10.0.0.1", 'for="\xe5"', "192.0.2.7",
    ],
)  # fmt: skip
async def test_a_forwarded_that_breaks_the_grammar_is_refused(value: str) -> None:
    """An open quotation mark of the client's would swallow what the proxy appends."""
    assert (await outcome(asked(f"Forwarded: {value}"), BY_RFC))[0] == 400
    assert (await outcome(asked(f"Forwarded: {value}", "Forwarded: for=192.0.2.7"), BY_RFC))[0] == 400
    # where it is not believed it is not read
    assert await outcome(asked(f"Forwarded: {value}")) == (200, "127.0.0.1", False)
    assert await outcome(asked(f"Forwarded: {value}"), BY_RFC, ("10.0.0.1",)) == (200, "127.0.0.1", False)


async def test_by_default_forwarded_is_not_believed() -> None:
    lines = asked("Forwarded: for=198.51.100.1;proto=https", "X-Forwarded-For: 192.0.2.7")
    assert await outcome(lines) == (200, "192.0.2.7", False)


_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@given(
    st.lists(
        st.tuples(st.sampled_from(["for", "proto", "by", "x"]), _TEXT), max_size=3, unique_by=lambda p: p[0]
    )
)
def test_what_is_quoted_comes_back(pairs: list[tuple[str, str]]) -> None:
    quoted = ";".join(
        '{}="{}"'.format(name, value.replace("\\", "\\\\").replace('"', '\\"')) for name, value in pairs
    )
    known = dict(pairs)
    wanted = [Hop(known.get("for", ""), known.get("proto", "").lower())] if pairs else []
    assert hops([quoted.encode(), b"for=192.0.2.7"]) == [*wanted, Hop("192.0.2.7")]


@given(st.binary(max_size=60).filter(lambda value: not set(value) & {0, 10, 13}))
def test_the_proxy_s_own_element_is_never_swallowed(noise: bytes) -> None:
    """Whatever the client sends ahead: refused, or the last element is still the proxy's."""
    try:
        found = hops([noise, b"for=192.0.2.7"])
    except MalformedField:
        return
    assert found[-1] == Hop("192.0.2.7")


# --- certificates (RFC 9440)

BELIEVED: Door = {"client_cert_header": True}
_AUTHORITY = trustme.CA()


def item(name: str = "app@sluss.test") -> tuple[bytes, str]:
    der = ssl.PEM_cert_to_DER_cert(_AUTHORITY.issue_cert(name).cert_chain_pems[0].bytes().decode())
    return der, f":{base64.b64encode(der).decode()}:"


async def test_the_certificate_that_a_trusted_proxy_has_checked() -> None:
    der, text = item()
    other, chain = item("authority@sluss.test")
    lines = [f"Client-Cert: {text}", f"Client-Cert-Chain: {chain}, {text}", f"client-cert-chain: {chain}"]
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, trusted=("127.0.0.1",), door=BELIEVED) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(asked(*lines))).status == 200
        found = edge.requests[0].client_certificate
        assert found is not None
        assert (found.der, found.source, found.chain) == (der, Source.PROXY, (other, der, other))
        assert (await client.ask(asked())).status == 200
        assert edge.requests[1].client_certificate is None
        assert all("cert" not in arrived.head.decode().lower() for arrived in upstream.arrived)


@pytest.mark.parametrize(
    ("trusted", "door"), [((), BELIEVED), (("10.0.0.1",), BELIEVED), (("127.0.0.1",), None)]
)
async def test_from_anybody_else_it_is_removed_unread(trusted: tuple[str, ...], door: Door | None) -> None:
    _, text = item()
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, trusted=trusted, door=door) as edge,
        raw_client(edge.port) as client,
    ):
        for name in ("Client-Cert", "cLIENT-cERT", "Client-Cert-Chain", "X-Client-Cert", "X-SSL-Client-Cert",
                     "SSL-Client-Verify", "X-Forwarded-Client-Cert", "X-ARR-ClientCert", "X-SSL-Cert"):  # fmt: skip
            assert (await client.ask(asked(f"{name}: {text}"))).status == 200
        assert (await client.ask(asked("Client-Cert: junk"))).status == 200
        assert all(request.client_certificate is None for request in edge.requests)
        assert all("cert" not in arrived.head.decode().lower() for arrived in upstream.arrived)


@pytest.mark.parametrize("name", ["Client_Cert", "client.cert", "Client_Cert_Chain", "CLIENT_CERT"])
async def test_twins_are_refused(name: str) -> None:
    assert (await outcome(asked(f"{name}: :AAAA:"), BELIEVED))[0] == 400


def _malformed() -> dict[str, list[str]]:
    _, good = item()
    return {
        "no colons": [f"Client-Cert: {good.strip(':')}"],
        "one colon": [f"Client-Cert: {good[:-1]}"],
        "not base64": ["Client-Cert: :####:"],
        "wrong padding": [f"Client-Cert: {good[:-1].rstrip('=')[:-1]}=:"],
        "URL alphabet": ["Client-Cert: :MII_-w==:"],
        "blank inside": [f"Client-Cert: {good[:20]} {good[20:]}"],
        "a parameter": [f"Client-Cert: {good};a=1"],
        "a string": ['Client-Cert: "MII"'],
        "PEM": ["Client-Cert: -----BEGIN CERTIFICATE----- MII -----END CERTIFICATE-----"],
        "empty": ["Client-Cert:"],
        "no bytes": ["Client-Cert: ::"],
        "no certificate": [f"Client-Cert: :{base64.b64encode(b'hello').decode()}:"],
        "more after it": [f"Client-Cert: :{base64.b64encode(item()[0] + b'x').decode()}:"],
        "two in a list": [f"Client-Cert: {good}, {good}"],
        "two lines": [f"Client-Cert: {good}", f"Client-Cert: {good}"],
        "a chain alone": [f"Client-Cert-Chain: {good}"],
        "a bad chain": [f"Client-Cert: {good}", f"Client-Cert-Chain: {good}, x"],
        "an empty chain": [f"Client-Cert: {good}", "Client-Cert-Chain:"],
        "a long chain": [f"Client-Cert: {good}", *[f"Client-Cert-Chain: {good}"] * (MOST_IN_CHAIN + 1)],
    }


@pytest.mark.parametrize("lines", _malformed().values(), ids=_malformed().keys())
async def test_a_malformed_certificate_is_refused(lines: list[str]) -> None:
    assert (await outcome(asked(*lines), BELIEVED))[0] == 400
