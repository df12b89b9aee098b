"""RFC 9449: DPoP at the token endpoint, and proofs at the resource as `auth.possession` judges them."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from typing import Any

import httpx
import pytest

from auth import errors
from auth.authenticate import Authenticator
from auth.possession import Possession
from auth.principal import Principal
from auth.proofs.dpop import Proof, ProofReader, same_address
from tests.auth.holder import LEFT_OUT, TOKEN_ENDPOINT, Holder, encoded
from tests.auth.mint import ISSUER, NOW
from tests.auth.platform import Client, Platform

FORM = {"grant_type": "client_credentials"}
HERE = f"{ISSUER}/behov/v1/needs"


async def ask(platform: Platform, client: Client, *proofs: str) -> httpx.Response:
    headers = [("Authorization", client.basic), *(("DPoP", proof) for proof in proofs)]
    return await platform.http.post("/oauth2/token", data=FORM, headers=headers)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "PS256", "EdDSA", "Ed25519"])
async def test_section_5_a_token_is_bound_to_the_key_of_the_proof(platform: Platform, algorithm: str) -> None:
    holder, client = Holder(algorithm), await platform.client("behov/v1")
    answer = await ask(platform, client, holder.proof())
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "DPoP"
    body = answer.json()["access_token"].split(".")[1]
    claims = json.loads(urlsafe_b64decode(body + "=="))
    assert claims["cnf"] == {"jkt": holder.thumbprint}


WRONG: list[tuple[dict[str, Any], dict[str, Any]]] = [
    *(({}, {"htm": each}) for each in ("GET", "post", "", LEFT_OUT, 1, None)),
    *(
        ({}, {"htu": each})
        for each in (
            ISSUER,
            TOKEN_ENDPOINT + "/",
            TOKEN_ENDPOINT + "x",
            TOKEN_ENDPOINT.replace("http", "https"),
            TOKEN_ENDPOINT.replace("token", "Token"),
            "http://localhost:9/oauth2/token",
            "http://u@localhost:8080/oauth2/token",
            "http://[/oauth2/token",
            "http://localhost:x/oauth2/token",
            "",
            LEFT_OUT,
            7,
            [TOKEN_ENDPOINT],
        )
    ),
    *(({}, {"iat": each}) for each in (NOW - 61, NOW + 11, LEFT_OUT, None, True, str(NOW), 10**400, [NOW])),
    *(({}, {"jti": each}) for each in (LEFT_OUT, "", 1, "x" * 257)),
    ({}, {"nonce": 1}),
    *(({"typ": each}, {}) for each in ("JWT", "at+jwt", "DPoP+JWT", LEFT_OUT, None, 1)),
    *(
        ({"alg": each}, {})
        for each in ("none", "HS256", "RS256", "ES384", "EdDSA", LEFT_OUT, None, ["ES256"])
    ),
    *(({"jwk": each}, {}) for each in (LEFT_OUT, None, {}, [], "x", {"kty": "oct", "k": "AA"})),
    ({"jwk": Holder().public}, {}),
    ({"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}}, {}),
    ({"jwk": {"kty": "EC", "crv": ["P-256"], "x": "AA", "y": "AA"}}, {}),
    ({"jwk": {"kty": ["EC"]}}, {}),
    ({"crit": ["exp"]}, {}),
    ({"jku": "https://evil.example/"}, {}),
    ({"b64": False}, {}),
]


@pytest.mark.parametrize(("header", "claims"), WRONG)
async def test_section_4_3_every_wrong_proof_is_refused(
    platform: Platform, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    client = await platform.client("behov/v1")
    answer = await ask(platform, client, Holder().proof(None, header, **claims))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof"), answer.text


async def test_section_4_3_a_private_key_in_the_header_is_refused_and_said(platform: Platform) -> None:
    holder, client = Holder(), await platform.client("behov/v1")
    answer = await ask(platform, client, holder.proof(None, {"jwk": holder.key.as_dict(private=True)}))
    assert answer.json()["error"] == "invalid_dpop_proof"
    assert "private" in answer.json()["error_description"]


@pytest.mark.parametrize("proof", ["", "x", "a.b", "a.b.c", "å.å.å", "x" * 9000, "e30.e30.AA"])
async def test_section_4_3_what_is_no_jwt_is_refused(platform: Platform, proof: str) -> None:
    client = await platform.client("behov/v1")
    headers = [(b"Authorization", client.basic.encode()), (b"DPoP", proof.encode())]
    answer = await platform.http.post("/oauth2/token", data=FORM, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")


async def test_section_4_3_one_header_alone(platform: Platform) -> None:
    holder, client = Holder(), await platform.client("behov/v1")
    answer = await ask(platform, client, holder.proof(), holder.proof())
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")


async def test_section_4_3_clocks_may_differ_and_addresses_be_spelt_otherwise(platform: Platform) -> None:
    holder, client = Holder(), await platform.client("behov/v1")
    for claims in (
        {"iat": NOW - 60},
        {"iat": NOW + 10},
        {"iat": NOW + 0.5},
        {"htu": TOKEN_ENDPOINT + "?x=1#y"},
    ):
        assert (await ask(platform, client, holder.proof(None, None, **claims))).status_code == 200


async def test_section_11_1_a_proof_is_good_once(any_platform: Platform) -> None:
    """Of eight at the same time one: on PostgreSQL as on SQLite, whichever process each of them reaches."""
    holder, client = Holder(), await any_platform.client("behov/v1")
    proof = holder.proof()
    answers = await asyncio.gather(*(ask(any_platform, client, proof) for _ in range(8)))
    assert sorted(each.status_code for each in answers) == [200] + [400] * 7
    assert (await ask(any_platform, client, holder.proof(jti="n"))).status_code == 200
    again = await ask(any_platform, client, holder.proof(jti="n", iat=NOW + 1))
    assert "used before" in again.json()["error_description"]


async def test_nobody_spends_another_clients_proof(platform: Platform) -> None:
    """A stolen proof, sent before its owner's with a wrong secret, is not spent by that."""
    holder, client = Holder(), await platform.client("behov/v1")
    proof = holder.proof()
    headers = {"DPoP": proof}
    stolen = await platform.http.post(
        "/oauth2/token", data={**FORM, "client_id": client.client_id, "client_secret": "x"}, headers=headers
    )
    assert stolen.status_code == 401
    assert (await ask(platform, client, proof)).status_code == 200


async def test_section_5_2_a_client_registered_for_it_gets_no_other_token(platform: Platform) -> None:
    client = await platform.client("behov/v1")
    await platform.register(client, dpop_bound_access_tokens=True)
    answer = await platform.ask(client)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "DPoP" in answer.json()["error_description"]
    assert (await ask(platform, client, Holder().proof())).status_code == 200


async def test_section_8_a_nonce_where_the_profile_wants_one(platform: Platform) -> None:
    holder, client = Holder(), await platform.client("behov/v1")
    await platform.register(client, profile="fapi2", auth_method="private_key_jwt", jwks=holder.jwks)

    async def send(**claims: object) -> httpx.Response:
        form = holder.asserting(client.client_id)
        proof = holder.proof(None, None, **claims)
        return await platform.http.post("/oauth2/token", data=form, headers={"DPoP": proof})

    first = await send()
    assert (first.status_code, first.json()["error"]) == (400, "use_dpop_nonce")
    nonce = first.headers["DPoP-Nonce"]
    good = await send(nonce=nonce)
    assert (good.status_code, good.headers["DPoP-Nonce"]) == (200, nonce)
    assert (await send(nonce=nonce + "x")).json()["error"] == "use_dpop_nonce"
    platform.now += 400
    old = holder.asserting(client.client_id, exp=NOW + 500)
    proof = holder.proof(None, None, nonce=nonce, iat=NOW + 400)
    answer = await platform.http.post("/oauth2/token", data=old, headers={"DPoP": proof})
    assert answer.json()["error"] == "use_dpop_nonce"
    assert answer.headers["DPoP-Nonce"] != nonce


async def bound(platform: Platform, holder: Holder) -> tuple[str, Principal]:
    token = (await ask(platform, await platform.client("behov/v1"), holder.proof())).json()["access_token"]
    with pytest.raises(errors.BoundToken) as refused:
        await platform.principal(token)
    assert refused.value.principal is not None
    return token, refused.value.principal


def at_resource(
    principal: Principal, token: str, *proofs: str, scheme: str = "DPoP", method: str = "GET"
) -> Proof | None:
    return Possession().proof(
        principal,
        f"{scheme} {token}".encode(),
        [proof.encode() for proof in proofs],
        certificate=None,
        method=method,
        addresses=[HERE],
        now=NOW,
    )


async def test_section_7_1_the_resource_takes_token_and_proof(platform: Platform) -> None:
    holder = Holder()
    token, principal = await bound(platform, holder)
    for scheme in ("DPoP", "dpop"):
        proof = at_resource(principal, token, holder.proof(token, htm="GET", htu=HERE), scheme=scheme)
        assert proof is not None
        assert proof.thumbprint == holder.thumbprint


async def test_section_7_2_and_7_3_it_takes_nothing_less(platform: Platform) -> None:
    holder, other = Holder(), Holder()
    token, principal = await bound(platform, holder)
    good = holder.proof(token, htm="GET", htu=HERE)
    refused: list[tuple[type[errors.AuthError], tuple[str, ...], dict[str, str]]] = [
        (errors.MissingProof, (good,), {"scheme": "Bearer"}),  # a downgrade
        (errors.MissingProof, (), {}),
        (errors.InvalidProof, (good, good), {}),
        (errors.InvalidProof, (other.proof(token, htm="GET", htu=HERE),), {}),
        (errors.ProofOfAnotherCall, (good,), {"method": "POST"}),
        (errors.ProofOfAnotherCall, (holder.proof(token, htm="GET", htu=HERE + "/1"),), {}),
        (errors.ProofOfAnotherCall, (holder.proof("another", htm="GET", htu=HERE),), {}),
        (errors.InvalidProof, (holder.proof(htm="GET", htu=HERE),), {}),  # without ath
        (errors.ProofOutOfTime, (holder.proof(token, htm="GET", htu=HERE, iat=NOW - 61),), {}),
        (errors.ProofOutOfTime, (holder.proof(token, htm="GET", htu=HERE, iat=NOW + 11),), {}),
        (errors.InvalidProof, (holder.sign({"alg": "ES256", "typ": "dpop+jwt"}, b"{}"),), {}),
    ]
    for fault, proofs, more in refused:
        with pytest.raises(fault):
            at_resource(principal, token, *proofs, **more)


async def test_section_7_1_an_unbound_token_is_not_shown_as_dpop(platform: Platform) -> None:
    token = await platform.token(await platform.client("behov/v1"))
    authenticator = Authenticator(ISSUER, frozenset({ISSUER}))
    with pytest.raises(errors.UnboundToken):
        authenticator.authenticate(b"DPoP " + token.encode(), await platform.keys(), NOW)
    principal = authenticator.authenticate(b"Bearer " + token.encode(), await platform.keys(), NOW)
    assert principal.confirmation.claims == {}


async def test_one_proof_has_one_name_however_it_is_written(platform: Platform) -> None:
    """A replay that differs in a header member, a space or the signature is the same proof."""
    holder = Holder()
    token, principal = await bound(platform, holder)
    said = {"htm": "GET", "htu": HERE, "jti": "one"}
    first = at_resource(principal, token, holder.proof(token, None, **said))
    second = at_resource(principal, token, holder.proof(token, {"kid": "x"}, **said, iat=NOW + 1))
    other = at_resource(principal, token, holder.proof(token, None, **{**said, "jti": "two"}))
    assert first is not None
    assert second is not None
    assert other is not None
    assert first.name == second.name != other.name


@pytest.mark.parametrize(
    ("claimed", "actual", "same"),
    [
        ("https://a.example/x", "https://a.example:443/x", True),
        ("HTTPS://A.Example/x", "https://a.example/x", True),
        ("https://a.example", "https://a.example/", True),
        ("https://a.example/%7Ea", "https://a.example/~a", True),
        ("https://a.example/%2fa", "https://a.example/%2Fa", True),
        ("https://a.example/%2Fa", "https://a.example//a", False),
        ("https://a.example/x?y", "https://a.example/x", True),
        ("https://a.example/X", "https://a.example/x", False),
        ("http://a.example/x", "https://a.example/x", False),
        ("https://a.example.evil/x", "https://a.example/x", False),
        ("https://a.example:8443/x", "https://a.example/x", False),
        ("/x", "https://a.example/x", False),
        ("", "", False),
    ],
)
def test_section_4_3_addresses_are_compared_after_normalisation(
    claimed: str, actual: str, same: bool
) -> None:
    assert same_address(claimed, actual) is same


def test_the_proof_is_signed_and_not_only_encoded() -> None:
    holder = Holder()
    head, _, mark = holder.proof().split(".")
    forged = f"{head}.{encoded({'htm': 'POST', 'htu': TOKEN_ENDPOINT, 'iat': NOW, 'jti': 'x'})}.{mark}"
    with pytest.raises(errors.InvalidProof):
        ProofReader().read([forged], method="POST", addresses=[TOKEN_ENDPOINT], now=NOW)
