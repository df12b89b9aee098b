"""FAPI 2.0 Security Profile, the server's side of client authentication and bound tokens: its checks, made negative.

The authorization endpoint's part (PAR, PKCE, codes) stands with the tests of those endpoints.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.auth.holder import LEFT_OUT, TOKEN_ENDPOINT, Holder
from tests.auth.mint import ISSUER, NOW
from tests.auth.platform import Client, Platform


async def fapi(platform: Platform, holder: Holder) -> Client:
    client = await platform.client("behov/v1")
    await platform.register(client, profile="fapi2", auth_method="private_key_jwt", jwks=holder.jwks)
    return client


async def ask(
    platform: Platform,
    client: Client,
    holder: Holder,
    claims: dict[str, Any] | None = None,
    proof: dict[str, Any] | None = None,
    *,
    bound: bool = True,
) -> httpx.Response:
    """A token request, sound but for what is given; the nonce is fetched as a client would."""
    nonce = None
    if bound:
        first = holder.asserting(client.client_id)
        answer = await platform.http.post("/oauth2/token", data=first, headers={"DPoP": holder.proof()})
        nonce = answer.headers["DPoP-Nonce"]
    form = holder.asserting(client.client_id, **(claims or {}))
    headers = {"DPoP": holder.proof(None, None, **{"nonce": nonce, **(proof or {})})} if bound else {}
    return await platform.http.post("/oauth2/token", data=form, headers=headers)


@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "EdDSA", "Ed25519"])
async def test_a_sound_request_gets_a_bound_token(platform: Platform, algorithm: str) -> None:
    holder = Holder(algorithm)
    answer = await ask(platform, await fapi(platform, holder), holder)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")


async def test_5_3_2_1_item_3_and_4_a_request_without_proof_gets_no_token(platform: Platform) -> None:
    holder = Holder()
    answer = await ask(platform, await fapi(platform, holder), holder, bound=False)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "change the client's profile" in answer.json()["error_description"]


async def test_5_3_2_1_item_6_a_secret_does_not_prove_the_client(platform: Platform) -> None:
    client = await fapi(platform, Holder())
    assert (await platform.ask(client)).status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": LEFT_OUT},
        {"aud": "https://other.example"},
        {"exp": NOW - 300},
        # Item 8: the issuer as one text, nothing else.
        {"aud": [ISSUER]},
        {"aud": [ISSUER, TOKEN_ENDPOINT]},
        {"aud": TOKEN_ENDPOINT},
        {"aud": f"{ISSUER}/oauth2/par"},
        {"aud": f"{ISSUER}/"},
        # Item 13: 10 seconds into the future, no minute.
        {"iat": NOW + 61},
        {"nbf": NOW + 61},
    ],
)
async def test_5_3_2_1_items_6_8_and_13_assertions_that_are_refused(
    platform: Platform, claims: dict[str, Any]
) -> None:
    holder = Holder()
    answer = await ask(platform, await fapi(platform, holder), holder, claims)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("seconds", [-8, 8, 10])
async def test_5_3_2_1_item_13_clocks_that_differ_a_little(platform: Platform, seconds: int) -> None:
    holder = Holder()
    times = {"iat": NOW + seconds, "nbf": NOW + seconds}
    answer = await ask(platform, await fapi(platform, holder), holder, times, {"iat": NOW + seconds})
    assert answer.status_code == 200


@pytest.mark.parametrize("algorithm", ["RS384", "ES384", "PS384"])
async def test_5_4_other_algorithms_are_refused(platform: Platform, algorithm: str) -> None:
    holder, prover = Holder(algorithm), Holder()
    client = await fapi(platform, holder)
    form = holder.asserting(client.client_id)
    answer = await platform.http.post("/oauth2/token", data=form, headers={"DPoP": prover.proof()})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("claims", [{"htm": "GET"}, {"htu": ISSUER}, {"iat": NOW - 61}, {"nonce": "x"}])
async def test_5_3_2_1_item_4_proofs_that_are_refused(platform: Platform, claims: dict[str, Any]) -> None:
    holder = Holder()
    answer = await ask(platform, await fapi(platform, holder), holder, None, claims)
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_dpop_proof", "use_dpop_nonce")


async def test_an_app_that_becomes_fapi_gives_no_unbound_token_any_more(platform: Platform) -> None:
    holder = Holder()
    client = await platform.client("behov/v1")
    await platform.register(client, auth_method="private_key_jwt", jwks=holder.jwks)
    assert (await ask(platform, client, holder, bound=False)).json()["token_type"] == "Bearer"
    await platform.register(client, profile="fapi2", auth_method="private_key_jwt", jwks=holder.jwks)
    assert (await ask(platform, client, holder, bound=False)).status_code == 400
