"""Tokens bound to a key or a certificate, over real processes: control plane, edges, Redis, a TLS handshake."""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from storage import clients
from storage.clients import ClientMetadata
from storage.database import Database
from tests.auth.holder import Holder
from tests.line.platform import PLAIN, Client, Platform
from tests.line.test_tls import issue, prepared

PATH = "/eko/v1/echo"


def proof(holder: Holder, address: str, method: str, token: str | None = None) -> str:
    # Dated a little ahead: newer than a store of used proofs that has begun just now.
    return holder.proof(token, None, htm=method, htu=address, iat=int(time.time()) + 2)


@pytest.mark.redis
@pytest.mark.timeout(300)
def test_t30_a_proof_is_used_once_over_two_processes(
    own_platform: Callable[..., Platform], redis_url: str
) -> None:
    platform = own_platform(redis_url, edges=2)
    platform.environment["SLUSS_REDIS_WAIT_MS"] = "60000"
    platform.start(control=True)
    client, holder = platform.client(), Holder()
    endpoint, address = f"{platform.issuer}/oauth2/token", f"{platform.issuer}{PATH}"

    def ask(made: str) -> httpx.Response:
        form = {"grant_type": "client_credentials"}
        secret = (client.client_id, client.secret)
        headers = {"DPoP": made}
        return httpx.post(endpoint, data=form, auth=secret, headers=headers, verify=PLAIN, trust_env=False)

    first = proof(holder, endpoint, "POST")
    answer = ask(first)
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert ask(first).json()["error"] == "invalid_dpop_proof"

    async def both(made: str) -> list[int]:
        headers = {"Authorization": f"DPoP {token}", "DPoP": made}
        async with httpx.AsyncClient(verify=PLAIN, trust_env=False, timeout=60) as http:
            urls = [platform.url(PATH, edge) for edge in (0, 1)]
            answers = await asyncio.gather(*(http.get(url, headers=headers) for url in urls))
        return sorted(each.status_code for each in answers)

    for _ in range(20):
        assert platform.run(both(proof(holder, address, "GET", token))) == [200, 401]
    assert platform.get(PATH, token).json()["code"] == "missing-proof"
    assert platform.seen() == 20


@pytest.mark.timeout(300)
def test_a_certificate_from_the_handshake_to_the_token_and_back(
    own_platform: Callable[..., Platform], tmp_path: Path
) -> None:
    trusting, authority = issue(tmp_path), trustme.CA()
    (tmp_path / "clients.pem").write_bytes(authority.cert_pem.bytes())
    platform = own_platform()
    platform.environment |= {
        "SLUSS_TLS_CLIENT_CA": str(tmp_path / "clients.pem"),
        "SLUSS_TLS_CLIENT": "optional",
    }
    port = platform.backends["eko"]
    platform.spawn("eko", [sys.executable, "-m", "backends.eko", "--port", str(port)])
    prepared(platform, tmp_path)
    platform.spawn("control", [sys.executable, "-m", "gateway", "serve", "control"])
    base = f"https://localhost:{platform.ports[0]}"
    leaf = authority.issue_cert("app.example")
    held = with_certificate(trusting, leaf)

    def answers(url: str) -> bool:
        try:
            return httpx.get(url, verify=trusting, trust_env=False, timeout=10).status_code == 200
        except httpx.HTTPError:
            return False

    platform.wait(lambda: answers(f"{base}/oauth2/jwks"), "edge-0")
    platform.wait(lambda: answers_plainly(f"http://127.0.0.1:{port}/_count"), "eko")
    client = platform.client()
    platform.run(register(platform, client))
    form = {"grant_type": "client_credentials", "client_id": client.client_id}
    granted = httpx.post(f"{base}/oauth2/token", data=form, verify=held, trust_env=False)
    assert granted.status_code == 200, granted.text
    headers = {"Authorization": f"Bearer {granted.json()['access_token']}"}
    assert httpx.get(f"{base}{PATH}", headers=headers, verify=held, trust_env=False).status_code == 200
    copied = httpx.get(f"{base}{PATH}", headers=headers, verify=trusting, trust_env=False)
    assert (copied.status_code, copied.json()["code"]) == (401, "foreign-certificate")
    # A certificate is no secret: whoever has seen it cannot hand it over in its owner's place.
    der = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).public_bytes(Encoding.DER)
    forged = {"Client-Cert": f":{b64encode(der).decode()}:"}
    refused = httpx.post(f"{base}/oauth2/token", data=form, headers=forged, verify=trusting, trust_env=False)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def with_certificate(trusting: ssl.SSLContext, leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for der in trusting.get_ca_certs(binary_form=True):
        context.load_verify_locations(cadata=der)
    leaf.configure_cert(context)
    return context


def answers_plainly(url: str) -> bool:
    try:
        return httpx.get(url, verify=PLAIN, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


async def register(platform: Platform, client: Client) -> None:
    database = Database(platform.database_url)
    async with database.begin() as session:
        wanted = ClientMetadata(
            app_id=client.app_id,
            auth_method="tls_client_auth",
            tls_client_auth_name="san_dns",
            tls_client_auth_value="app.example",
            tls_client_certificate_bound_access_tokens=True,
        )
        await clients.put(session, client.organisation_id, wanted)
    await database.close()
