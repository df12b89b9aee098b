"""RFC 8705: clients that prove themselves with a certificate, and tokens bound to one."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator

import httpx
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from joserfc.jwk import ECKey

from auth.authenticate import Authenticator
from auth.errors import BoundToken, ForeignCertificate
from auth.possession import Possession
from auth.proofs.certificates import Issuers
from auth.server.methods import Methods
from storage.database import Database
from tests.auth.holder import Authority, Holder, Issued, self_signed
from tests.auth.mint import ISSUER, NOW
from tests.auth.platform import Client, Platform, platform_over

AUTHORITY = Authority()
STRANGER = Authority()  # another key under the same name
DN = "CN=client,O=Vårdbolaget,C=SE"


@pytest.fixture
async def platform(sqlite_url: str) -> AsyncIterator[Platform]:
    database = Database(sqlite_url)
    async with platform_over(database, Methods(ISSUER, authorities=Issuers(AUTHORITY.pem))) as made:
        yield made
    await database.close()


async def named(platform: Platform, name: str = "subject_dn", value: str = DN) -> Client:
    client = await platform.client("behov/v1")
    await platform.register(
        client, auth_method="tls_client_auth", tls_client_auth_name=name, tls_client_auth_value=value
    )
    return client


async def ask(
    platform: Platform, client: Client, shown: Issued | None, more: dict[str, str] | None = None
) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": client.client_id, **(more or {})}
    headers = {} if shown is None else shown.header
    return await platform.http.post("/oauth2/token", data=form, headers=headers)


async def test_section_2_1_a_name_that_a_trusted_authority_vouches_for(platform: Platform) -> None:
    client = await named(platform)
    assert (await ask(platform, client, AUTHORITY.issue(DN))).status_code == 200
    usage = ExtendedKeyUsageOID.CLIENT_AUTH
    assert (await ask(platform, client, AUTHORITY.issue(DN, usage=usage))).status_code == 200


@pytest.mark.parametrize(
    "shown",
    [
        None,
        STRANGER.issue(DN),
        self_signed(DN),
        AUTHORITY.issue("CN=other,O=Vårdbolaget,C=SE"),
        AUTHORITY.issue("CN=client,O=Vårdbolaget"),
        AUTHORITY.issue("C=SE,O=Vårdbolaget,CN=client"),
        AUTHORITY.issue(DN, ended=True),
        AUTHORITY.issue(DN, usage=ExtendedKeyUsageOID.SERVER_AUTH),
        Issued(b"", AUTHORITY.key),
        Issued(b"\x30\x82\xff\xff", AUTHORITY.key),
    ],
    ids=["none", "stranger", "self", "other", "less", "order", "ended", "server", "empty", "broken"],
)
async def test_section_2_1_every_other_certificate_is_refused(
    platform: Platform, shown: Issued | None
) -> None:
    answer = await ask(platform, await named(platform), shown)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_section_2_1_2_an_alternative_name(platform: Platform) -> None:
    client = await named(platform, "san_dns", "client.example")
    assert (await ask(platform, client, AUTHORITY.issue(dns="client.example"))).status_code == 200
    assert (await ask(platform, client, AUTHORITY.issue(dns="*.example"))).status_code == 401
    # A name in the subject is not an alternative name.
    assert (await ask(platform, client, AUTHORITY.issue("CN=client.example"))).status_code == 401


async def test_without_trusted_authorities_no_name_is_proved(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    async with platform_over(database) as platform:
        assert (await ask(platform, await named(platform), AUTHORITY.issue(DN))).status_code == 401
    await database.close()


async def test_section_2_2_a_self_signed_certificate_that_is_registered(platform: Platform) -> None:
    own, other = self_signed(), self_signed()
    jwk = ECKey.import_key(own.key).as_dict(private=False)
    jwks = json.dumps({"keys": [{**jwk, "x5c": [b64encode(own.der).decode()]}]})
    client = await platform.client("behov/v1")
    await platform.register(client, auth_method="self_signed_tls_client_auth", jwks=jwks)
    assert (await ask(platform, client, own)).status_code == 200
    assert (await ask(platform, client, other)).status_code == 401
    assert (await ask(platform, client, None)).status_code == 401
    platform.now += 2 * 86400
    assert (await ask(platform, client, own)).status_code == 401  # it has ended


async def test_a_client_cannot_hand_over_a_certificate_itself(platform: Platform) -> None:
    """Written twice, or by another peer than the edge, it is not believed."""
    client, shown = await named(platform), AUTHORITY.issue(DN)
    form = {"grant_type": "client_credentials", "client_id": client.client_id}
    value = shown.header["Client-Cert"]
    twice = [("Client-Cert", value), ("Client-Cert", value)]
    assert (await platform.http.post("/oauth2/token", data=form, headers=twice)).status_code == 401
    transport = platform.http._transport
    assert isinstance(transport, httpx.ASGITransport)
    outside = httpx.ASGITransport(transport.app, client=("192.0.2.7", 5000))
    async with httpx.AsyncClient(transport=outside, base_url=ISSUER) as http:
        answer = await http.post("/oauth2/token", data=form, headers=shown.header)
    assert answer.status_code == 401


@pytest.mark.parametrize("value", ["", ":", "::", "x", ":!!!:", "x" * 5000, ":eA==:;a=1"])
async def test_a_broken_handover_is_no_certificate(platform: Platform, value: str) -> None:
    client = await named(platform)
    form = {"grant_type": "client_credentials", "client_id": client.client_id}
    answer = await platform.http.post("/oauth2/token", data=form, headers={"Client-Cert": value})
    assert answer.status_code == 401


async def test_section_3_a_token_is_bound_to_the_certificate(platform: Platform) -> None:
    client, shown, other = await platform.client("behov/v1"), AUTHORITY.issue(DN), AUTHORITY.issue(DN)
    await platform.register(client, tls_client_certificate_bound_access_tokens=True)
    without = await platform.ask(client)
    assert (without.status_code, without.json()["error"]) == (400, "invalid_request")
    assert "mutual TLS" in without.json()["error_description"]
    form = {"grant_type": "client_credentials"}
    headers = {"Authorization": client.basic, **shown.header}
    answer = (await platform.http.post("/oauth2/token", data=form, headers=headers)).json()
    assert answer["token_type"] == "Bearer"
    authorization = b"Bearer " + answer["access_token"].encode()
    authenticator, keys = Authenticator(ISSUER, frozenset({ISSUER})), await platform.keys()
    for _ in range(2):  # from the signature and from memory alike
        with pytest.raises(BoundToken) as refused:
            authenticator.authenticate(authorization, keys, NOW)
    principal = refused.value.principal
    assert principal is not None
    assert principal.confirmation.claims == {"x5t#S256": shown.thumbprint}

    def prove(certificate: bytes | None) -> object:
        return Possession().proof(
            principal, authorization, [], certificate=certificate, method="GET", addresses=[], now=NOW
        )

    assert prove(shown.der) is None
    for wrong in (None, other.der, b""):
        with pytest.raises(ForeignCertificate):
            prove(wrong)


async def test_section_3_2_introspection_tells_the_binding(platform: Platform) -> None:
    client, shown = await platform.client("behov/v1"), AUTHORITY.issue(DN)
    await platform.register(client, tls_client_certificate_bound_access_tokens=True)
    headers = {"Authorization": client.basic, **shown.header}
    form = {"grant_type": "client_credentials"}
    token = (await platform.http.post("/oauth2/token", data=form, headers=headers)).json()["access_token"]
    asked = await platform.http.post(
        "/oauth2/introspect", data={"token": token}, headers={"Authorization": client.basic}
    )
    assert asked.json()["cnf"] == {"x5t#S256": shown.thumbprint}


async def test_a_certificate_beside_another_method_is_no_second_method(platform: Platform) -> None:
    holder = Holder()
    client = await platform.client("behov/v1")
    await platform.register(client, auth_method="private_key_jwt", jwks=holder.jwks)
    form, shown = holder.asserting(client.client_id), AUTHORITY.issue(DN)
    answer = await platform.http.post("/oauth2/token", data=form, headers=shown.header)
    assert answer.status_code == 200
    assert (await platform.principal(answer.json()["access_token"])).confirmation.claims == {}
