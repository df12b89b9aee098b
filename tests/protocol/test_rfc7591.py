"""RFC 7591 and RFC 7592: apps that register themselves with an initial access token, and manage their registration."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from auth.credentials import initial
from storage import organisations
from tests.auth.holder import Holder
from tests.auth.mint import ISSUER, NOW
from tests.auth.platform import SYSTEM, Platform, basic

WANTED: dict[str, Any] = {"client_name": "Vår app", "grant_types": ["client_credentials"]}
CODED: dict[str, Any] = {"client_name": "App", "redirect_uris": ["https://a.example/cb"]}
REGISTER = "/oauth2/register"


async def token_for(platform: Platform, *, uses: int = 1, days: int = 7) -> str:
    organisation = (await platform.client()).organisation_id
    async with platform.database.begin() as session:
        made = await initial.issue(
            session,
            organisation,
            environment="sandbox",
            uses=uses,
            days=days,
            now=platform.now,
            origin=SYSTEM,
        )
    return made.secret.text


async def send(
    platform: Platform, method: str, address: str, token: str, body: object = None
) -> httpx.Response:
    path = address.removeprefix(ISSUER)
    headers = {"Authorization": f"Bearer {token}"}
    return await platform.http.request(method, path, json=body, headers=headers)


async def register(platform: Platform, body: object = None, token: str | None = None) -> httpx.Response:
    used = token if token is not None else await token_for(platform)
    return await send(platform, "POST", REGISTER, used, WANTED if body is None else body)


async def test_section_3_a_client_registers_itself_and_gets_a_token(any_platform: Platform) -> None:
    answer = await register(any_platform)
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert made["client_name"] == "Vår app"
    assert made["client_secret_expires_at"] == 0
    assert made["token_endpoint_auth_method"] == "client_secret_basic"
    assert made["registration_client_uri"] == f"{ISSUER}/oauth2/register/{made['client_id']}"
    asked = await any_platform.http.post(
        "/oauth2/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": basic(made["client_id"], made["client_secret"])},
    )
    assert asked.status_code == 200
    assert "scope" not in asked.json()  # registration gives no access: nothing is subscribed to
    assert (await any_platform.audit())[1].act == "app.register"


async def test_section_3_a_client_with_a_key_gets_no_secret(platform: Platform) -> None:
    holder = Holder()
    body = {**WANTED, "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [holder.public]}}
    made = (await register(platform, {**body, "sluss_profile": "default"})).json()
    assert "client_secret" not in made
    asked = await platform.http.post("/oauth2/token", data=holder.asserting(made["client_id"]))
    assert asked.status_code == 200


@pytest.mark.parametrize("token", ["", "x", "sluss_iat_" + "A" * 49, "sluss_pat_" + "A" * 49])
async def test_t35_registration_without_an_initial_access_token_is_refused(
    platform: Platform, token: str
) -> None:
    answer = await register(platform, token=token)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert (await platform.http.post(REGISTER, json=WANTED)).status_code == 401


async def test_t35_an_initial_token_is_good_for_its_uses_and_its_time(any_platform: Platform) -> None:
    token = await token_for(any_platform, uses=3)
    answers = await asyncio.gather(*(register(any_platform, token=token) for _ in range(8)))
    assert sorted(each.status_code for each in answers) == [201] * 3 + [401] * 5
    short = await token_for(any_platform, days=1)
    any_platform.now += 86_400
    assert (await register(any_platform, token=short)).status_code == 401


async def test_a_mistake_costs_no_use(platform: Platform) -> None:
    token = await token_for(platform)
    assert (await register(platform, {**WANTED, "grant_types": ["password"]}, token)).status_code == 400
    assert (await register(platform, token=token)).status_code == 201


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        *(
            ({**CODED, "redirect_uris": [each]}, "invalid_redirect_uri")
            for each in (
                "javascript:alert(1)", "data:text/html,x", "https://a.example/#x", "https://*.example/", "http://a.example/",
                "", "//a.example", "https://u@a.example/",
            )
        ),
        ({**CODED, "grant_types": ["authorization_code"], "redirect_uris": []}, "invalid_redirect_uri"),
        ({**CODED, "redirect_uris": "https://a.example/"}, "invalid_client_metadata"),
        ({**CODED, "redirect_uris": [1]}, "invalid_client_metadata"),
        ({"client_name": ""}, "invalid_client_metadata"),
        ({"client_name": None}, "invalid_client_metadata"),
        ({"client_name": "x" * 101}, "invalid_client_metadata"),
        ({"client_name": "a\nb"}, "invalid_client_metadata"),
        ({"client_name": 7}, "invalid_client_metadata"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"grant_types": "client_credentials"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": ["none"]}, "invalid_client_metadata"),
        ({"sluss_profile": "fapi2"}, "invalid_client_metadata"),
        ({"jwks": "x"}, "invalid_client_metadata"),
        ({"jwks": {"keys": [Holder().key.as_dict(private=True)]}}, "invalid_client_metadata"),
        ({"jwks_uri": "http://169.254.169.254/"}, "invalid_client_metadata"),
        ({"logo_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
        ({"dpop_bound_access_tokens": "true"}, "invalid_client_metadata"),
        ({"tls_client_auth_san_dns": "a", "tls_client_auth_subject_dn": "CN=a"}, "invalid_client_metadata"),
        ({"software_statement": "e30.e30."}, "unapproved_software_statement"),
    ],
)  # fmt: skip
async def test_section_3_2_2_what_is_wrong_is_said(
    platform: Platform, changed: dict[str, Any], error: str
) -> None:
    answer = await register(platform, {**WANTED, **changed})
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"client_name":"a","client_name":"b"}', b"\xff", b"[" * 100_000, b'{"a":NaN}'],
)
async def test_no_body_is_a_fault_of_ours(platform: Platform, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {await token_for(platform)}", "Content-Type": "application/json"}
    answer = await platform.http.post(REGISTER, content=body, headers=headers)
    assert answer.status_code in (400, 413)


async def test_t35_members_that_are_not_the_clients_are_ignored(platform: Platform) -> None:
    body = {
        **WANTED,
        "client_id": "mine",
        "client_secret": "mine",
        "organisation_id": "x",
        "app_id": "x",
        "state": "x",
    }
    made = (await register(platform, body)).json()
    assert made["client_id"].startswith("sluss_app_")
    assert made["client_secret"] != "mine"
    assert not {"organisation_id", "app_id", "state"} & made.keys()


async def test_rfc7592_section_2_read_replace_end(any_platform: Platform) -> None:
    made = (await register(any_platform)).json()
    address, token = made["registration_client_uri"], made["registration_access_token"]
    read = await send(any_platform, "GET", address, token)
    assert read.status_code == 200
    assert "client_secret" not in read.json()
    body = {**CODED, "client_id": made["client_id"], "client_name": "Nytt namn"}
    replaced = await send(any_platform, "PUT", address, token, body)
    assert replaced.status_code == 200, replaced.text
    assert replaced.json()["redirect_uris"] == CODED["redirect_uris"]
    assert replaced.json()["response_types"] == ["code"]
    assert (await send(any_platform, "GET", address, token)).json()["client_name"] == "Nytt namn"
    assert (await send(any_platform, "DELETE", address, token)).status_code == 204
    for method in ("GET", "PUT", "DELETE"):
        gone = await send(any_platform, method, address, token, body if method == "PUT" else None)
        assert (gone.status_code, gone.json()["error"]) == (401, "invalid_token")


async def test_rfc7592_section_2_2_the_client_names_itself_and_leaves_the_servers_members(
    platform: Platform,
) -> None:
    made = (await register(platform)).json()
    address, token = made["registration_client_uri"], made["registration_access_token"]
    for body in (
        WANTED,
        {**WANTED, "client_id": "other"},
        {**WANTED, "client_id": made["client_id"], "registration_access_token": token},
    ):
        assert (await send(platform, "PUT", address, token, body)).status_code == 400


async def test_rfc7592_section_2_nobody_manages_another(platform: Platform) -> None:
    one, two = (await register(platform)).json(), (await register(platform)).json()
    stranger = await send(platform, "GET", one["registration_client_uri"], two["registration_access_token"])
    unknown = await send(platform, "GET", f"{REGISTER}/sluss_app_0", two["registration_access_token"])
    assert stranger.status_code == unknown.status_code == 401
    assert stranger.content == unknown.content
    initial_token = await token_for(platform)
    assert (await send(platform, "GET", one["registration_client_uri"], initial_token)).status_code == 401


async def test_t14_the_tokens_end_when_the_key_changes(platform: Platform) -> None:
    holder = Holder()
    method = {"token_endpoint_auth_method": "private_key_jwt"}
    made = (await register(platform, {**WANTED, **method, "jwks": {"keys": [holder.public]}})).json()
    form = holder.asserting(made["client_id"])
    token = (await platform.http.post("/oauth2/token", data=form)).json()["access_token"]
    body = {**WANTED, **method, "client_id": made["client_id"], "jwks": {"keys": [Holder(kid="k2").public]}}
    await send(platform, "PUT", made["registration_client_uri"], made["registration_access_token"], body)
    (app,) = [each for each in (await platform.access()).apps if each.client_id == made["client_id"]]
    assert (await platform.principal(token)).issued_at < app.tokens_valid_from


async def test_a_disabled_organisation_registers_nothing(platform: Platform) -> None:
    made = (await register(platform)).json()
    (app,) = [each for each in (await platform.access()).apps if each.client_id == made["client_id"]]
    async with platform.database.begin() as session:
        await organisations.set_disabled(session, app.organisation_id, NOW)
    answer = await send(platform, "GET", made["registration_client_uri"], made["registration_access_token"])
    assert answer.status_code == 401


async def test_guessing_is_slowed_and_tokens_are_stored_hashed(platform: Platform) -> None:
    token = await token_for(platform)
    made = (await register(platform, token=token)).json()
    entries = repr(await platform.audit())
    assert not any(
        text in entries for text in (token, made["registration_access_token"], made["client_secret"])
    )
    for _ in range(60):
        await register(platform, token="x")
    good = await token_for(platform)
    assert (await register(platform, token=good)).status_code == 401
    platform.now += 60
    assert json.loads((await register(platform, token=good)).text)["client_id"]
