"""RFC 7523, 2.2 and 3: a client that proves itself with a JWT it has signed; and RFC 7521, 4.2."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

import httpx
import pytest

from storage import apps, organisations
from tests.auth.holder import LEFT_OUT, TOKEN_ENDPOINT, Holder, encoded
from tests.auth.mint import ISSUER, NOW
from tests.auth.platform import Client, Platform

Form = dict[str, str]


async def keyed(platform: Platform, holder: Holder, **members: object) -> Client:
    client = await platform.client("behov/v1")
    await platform.register(client, **{"auth_method": "private_key_jwt", "jwks": holder.jwks, **members})
    return client


async def post(platform: Platform, form: Form, path: str = "/oauth2/token") -> httpx.Response:
    return await platform.http.post(path, data=form)


@pytest.mark.parametrize(
    ("profile", "algorithm", "audience"),
    [
        *(("default", each, ISSUER) for each in ("ES256", "ES384", "PS256", "RS384", "EdDSA", "Ed25519")),
        ("default", "ES256", TOKEN_ENDPOINT),
        *(("smart", each, TOKEN_ENDPOINT) for each in ("RS384", "ES384")),
    ],
)
async def test_section_2_2_a_signed_assertion_proves_the_client(
    platform: Platform, profile: str, algorithm: str, audience: str
) -> None:
    holder = Holder(algorithm)
    client = await keyed(platform, holder, profile=profile)
    answer = await post(platform, holder.asserting(client.client_id, aud=audience))
    assert answer.status_code == 200, answer.text
    assert (await platform.principal(answer.json()["access_token"])).client_id == client.client_id


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": [ISSUER]}, "aud"),
        ({"aud": [ISSUER, "https://other.example"]}, "aud"),
        ({"aud": "https://other.example"}, "aud"),
        ({"aud": ISSUER + "/"}, "aud"),
        ({"aud": LEFT_OUT}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": {}}, "aud"),
        ({"exp": NOW - 300}, "expired"),
        ({"exp": NOW - 10}, "expired"),
        ({"exp": NOW + 365 * 86400}, "at most 300"),
        ({"exp": NOW + 311}, "at most 300"),
        ({"exp": LEFT_OUT}, "exp"),
        ({"exp": "1800000060"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 10**400}, "exp"),
        ({"iat": NOW + 61}, "future"),
        ({"nbf": NOW + 61}, "future"),
        ({"jti": LEFT_OUT}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
    ],
)
async def test_section_3_a_claim_that_is_wrong_is_named_to_who_holds_the_key(
    platform: Platform, claims: dict[str, Any], reason: str
) -> None:
    holder = Holder()
    client = await keyed(platform, holder)
    answer = await post(platform, holder.asserting(client.client_id, **claims))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert reason in answer.json()["error_description"]


@pytest.mark.parametrize(
    "claims",
    [{"iss": "other"}, {"sub": "other"}, {"sub": LEFT_OUT}, {"iss": LEFT_OUT}, {"sub": ["x"]}, {"iss": {}}],
)
async def test_section_3_issuer_and_subject_are_the_client(
    platform: Platform, claims: dict[str, Any]
) -> None:
    holder = Holder()
    client = await keyed(platform, holder)
    answer = await post(platform, holder.asserting(client.client_id, **claims))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_section_3_a_fraction_of_a_second_and_a_clock_ten_seconds_off_are_accepted(
    platform: Platform,
) -> None:
    holder = Holder()
    client = await keyed(platform, holder)
    form = holder.asserting(client.client_id, iat=NOW + 9.5, nbf=NOW + 8, exp=NOW + 299.5)
    assert (await post(platform, form)).status_code == 200


async def test_section_3_an_assertion_is_good_once(any_platform: Platform) -> None:
    """jti: of eight at the same time one gets a token, and none afterwards."""
    holder = Holder()
    client = await keyed(any_platform, holder)
    form = holder.asserting(client.client_id, jti="once")
    answers = await asyncio.gather(*(post(any_platform, form) for _ in range(8)))
    assert sorted(each.status_code for each in answers) == [200] + [401] * 7
    any_platform.now += 59
    later = await post(any_platform, holder.asserting(client.client_id, jti="once", exp=NOW + 120))
    assert "used before" in later.json()["error_description"]
    other = await keyed(any_platform, holder)
    own = await post(any_platform, holder.asserting(other.client_id, jti="once"))
    assert own.status_code == 200  # another client's number is another number


async def test_a_forgery_does_not_spend_a_number(platform: Platform) -> None:
    holder, thief = Holder(), Holder()
    client = await keyed(platform, holder)
    assert (await post(platform, thief.asserting(client.client_id, jti="n"))).status_code == 401
    assert (await post(platform, holder.asserting(client.client_id, jti="n"))).status_code == 200


def hostile(holder: Holder, client_id: str) -> list[str]:
    good = holder.assertion(client_id)
    head, body, mark = good.split(".")
    claims = {"iss": client_id, "sub": client_id, "aud": ISSUER, "jti": "x", "exp": NOW + 60}
    deep = b'{"a":' * 800 + b"1" + b"}" * 800
    headers: list[object] = [
        {"alg": "none"}, {"alg": "None"}, {"alg": "HS256", "kid": "k1"}, {"alg": "RS256", "kid": "k1"},
        {"alg": "ES384", "kid": "k1"}, {"alg": ["ES256"]}, {"alg": None}, {"alg": 7}, {},
        {"alg": "ES256", "kid": "k2"}, {"alg": "ES256", "kid": ["k1"]}, {"alg": "ES256", "kid": "k1", "crit": []},
        {"alg": "ES256", "kid": "k1", "crit": ["exp"], "exp": 1}, {"alg": "ES256", "kid": "k1", "b64": False},
        {"alg": "ES256", "kid": "k1", "jku": "https://evil.example/k"}, {"alg": "ES256", "x5c": ["x"]},
        {"alg": "ES256", "kid": "k1", "typ": "at+jwt"}, {"alg": "ES256", "kid": "k1", "typ": "dpop+jwt"},
        {"alg": "ES256", "kid": "k1", "typ": ["JWT"]}, {"alg": "ES256", "kid": "k1", "typ": 1},
    ]  # fmt: skip
    return [
        *(holder.sign(each, claims) for each in headers if isinstance(each, dict)),
        f"{encoded({'alg': 'none'})}.{body}.",
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}.{body}.{mark}.{mark}",
        f"{head}.{body}.{mark}=",
        f"{head}.{encoded(b'{}')}.{mark}",
        holder.sign({"alg": "ES256"}, deep),
        holder.sign({"alg": "ES256", "a": [[[[[[[[[[[1]]]]]]]]]]]}, claims),
        holder.sign({"alg": "ES256"}, b'{"iss":"a","iss":"b"}'),
        holder.sign({"alg": "ES256"}, b'{"exp":NaN}'),
        holder.sign({"alg": "ES256"}, b'{"exp":1e999}'),
        holder.sign({"alg": "ES256"}, b"[]"),
        holder.sign({"alg": "ES256"}, b"\xff\xfe"),
        holder.sign({"alg": "ES256"}, b'{"iss":"\\ud800","sub":"\\ud800"}'),
        holder.sign({"alg": "ES256"}, {"iss": 'a"b', "sub": 'a"b'}),
        holder.sign({"alg": "ES256"}, {"iss": "å\u0000", "sub": "å\u0000"}),
        "x" * 9000,
        "..",
        "å.å.å",
        '"',
    ]


async def test_whatever_is_sent_as_assertion_is_refused_and_never_a_500(platform: Platform) -> None:
    """Algorithm confusion, key injection, broken and deep JSON (RFC 8725, 3.1 to 3.11)."""
    holder = Holder()
    client = await keyed(platform, holder)
    for number, text in enumerate(hostile(holder, client.client_id)):
        form = {**holder.asserting(client.client_id), "client_assertion": text}
        headers = {"Forwarded": f"for=192.0.2.{number}"}  # each its own count of failures
        answer = await platform.http.post("/oauth2/token", data=form, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), text[:200]


@pytest.mark.parametrize(
    "change",
    [
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_assertion_type": ""},
        {"client_assertion": ""},
    ],
)
async def test_rfc7521_section_4_2_both_parameters_are_needed(platform: Platform, change: Form) -> None:
    holder = Holder()
    client = await keyed(platform, holder)
    answer = await post(platform, {**holder.asserting(client.client_id), **change})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_rfc7521_section_4_2_client_id_is_the_same_or_left_out(platform: Platform) -> None:
    holder = Holder()
    client, other = await keyed(platform, holder), await keyed(platform, holder)
    form = holder.asserting(client.client_id)
    assert (await post(platform, {**form, "client_id": other.client_id})).status_code == 400
    assert (await post(platform, {**form, "client_id": client.client_id})).status_code == 200


async def test_rfc6749_section_2_3_two_methods_at_once_are_refused(platform: Platform) -> None:
    holder = Holder()
    client = await keyed(platform, holder)
    for more, headers in (({"client_secret": "x"}, {}), ({}, {"Authorization": client.basic})):
        form = {**holder.asserting(client.client_id), **more}
        answer = await platform.http.post("/oauth2/token", data=form, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_only_the_registered_method_proves_the_client(platform: Platform) -> None:
    """T23: the secret of an app that has moved to a key opens nothing more, and no key opens one with a secret."""
    holder = Holder()
    client = await keyed(platform, holder)
    assert (await platform.ask(client)).status_code == 401
    plain = await platform.client("behov/v1")
    assert (await post(platform, holder.asserting(plain.client_id))).status_code == 401
    for method, good in (("client_secret_post", False), ("client_secret_basic", True)):
        await platform.register(plain, auth_method=method)
        assert ((await platform.ask(plain)).status_code == 200) is good


async def test_a_registered_algorithm_is_the_only_one(platform: Platform) -> None:
    holder = Holder("PS256")
    client = await keyed(platform, holder, auth_signing_alg="PS256")
    assert (await post(platform, holder.asserting(client.client_id))).status_code == 200
    holder.algorithm = "PS384"
    assert (await post(platform, holder.asserting(client.client_id))).status_code == 401


async def test_a_key_that_names_its_algorithm_takes_no_other(platform: Platform) -> None:
    holder = Holder("PS256")
    jwks = json.dumps({"keys": [{**holder.public, "alg": "RS384"}]})
    client = await keyed(platform, holder, jwks=jwks)
    assert (await post(platform, holder.asserting(client.client_id))).status_code == 401
    holder.algorithm = "RS384"
    assert (await post(platform, holder.asserting(client.client_id))).status_code == 200


async def test_a_suspended_app_and_a_disabled_organisation_prove_nothing(platform: Platform) -> None:
    """T14, for a method without a secret in the database."""
    holder = Holder()
    client = await keyed(platform, holder)
    async with platform.database.begin() as session:
        await organisations.set_disabled(session, client.organisation_id, NOW)
    assert (await post(platform, holder.asserting(client.client_id))).status_code == 401
    async with platform.database.begin() as session:
        await organisations.set_disabled(session, client.organisation_id, None)
        await apps.set_state(session, client.organisation_id, client.app_id, "suspended", NOW)
    assert (await post(platform, holder.asserting(client.client_id))).status_code == 401


async def test_the_same_proof_serves_revocation_and_introspection(platform: Platform) -> None:
    holder = Holder()
    client = await keyed(platform, holder)
    token = (await post(platform, holder.asserting(client.client_id))).json()["access_token"]
    own = f"{ISSUER}/oauth2/introspect"
    form = {**holder.asserting(client.client_id, aud=own), "token": token}
    assert (await post(platform, form, "/oauth2/introspect")).json()["active"] is True
    form = {**holder.asserting(client.client_id), "token": token}
    assert (await post(platform, form, "/oauth2/revoke")).status_code == 200
    form = {**holder.asserting(client.client_id), "token": token}
    assert (await post(platform, form, "/oauth2/introspect")).json() == {"active": False}


async def test_failures_are_counted_whichever_the_method(platform: Platform) -> None:
    holder, thief = Holder(), Holder()
    client = await keyed(platform, holder)
    for _ in range(20):
        await post(platform, thief.asserting(client.client_id, jti=secrets.token_hex(4)))
    assert (await post(platform, holder.asserting(client.client_id))).status_code == 401
