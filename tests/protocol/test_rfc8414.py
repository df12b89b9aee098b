"""RFC 8414: authorization server metadata, and OpenID Connect Discovery's address for the same."""

from __future__ import annotations

import httpx
import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata  # type: ignore[import-untyped]

from auth.grants.scopes import ABOUT_PERSON
from tests.auth.mint import ISSUER
from tests.auth.platform import Platform

# Where client credentials alone are not the question; each has tests of its own.
FOR_PEOPLE = {
    "authorization_endpoint",
    "pushed_authorization_request_endpoint",
    "userinfo_endpoint",
    "device_authorization_endpoint",
    "end_session_endpoint",
}
# test_rfc7523, test_rfc8705 and test_rfc6749_refresh show that they work.
SHOWN_ELSEWHERE = ("private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth", "none")
ADDRESSES = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_section_3_the_document(platform: Platform, address: str) -> None:
    answer = await platform.http.get(address)
    document = answer.json()
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert document["issuer"] == ISSUER
    assert set(document["grant_types_supported"]) == {
        "authorization_code",
        "client_credentials",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
    }
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert "none" in document["token_endpoint_auth_methods_supported"], "public clients, with PKCE"
    assert "none" not in document["introspection_endpoint_auth_methods_supported"]
    assert "behov:read" in document["scopes_supported"]
    AuthorizationServerMetadata(document).validate()


async def test_section_2_it_lists_only_what_works(platform: Platform) -> None:
    """Every address answers, every method authenticates, every grant is known, every scope is some API's."""
    document = (await platform.http.get(ADDRESSES[0])).json()
    client = await platform.client("behov/v1", "eko/v1", "vardenheter/v1")
    token = await platform.token(client)
    for name, url in document.items():
        if name in ("jwks_uri", "service_documentation", "registration_endpoint"):
            continue
        if name.endswith("_endpoint") and name not in FOR_PEOPLE:
            for method in document[f"{name}_auth_methods_supported"]:
                if method not in ("client_secret_basic", "client_secret_post"):
                    assert method in SHOWN_ELSEWHERE
                    continue
                answer = await _call(platform, url, method, client.client_id, client.secret, token)
                assert answer.status_code == 200, (url, method, answer.text)
    assert (await platform.http.get(document["jwks_uri"])).json()["keys"]
    everything = await platform.ask(client, scope=" ".join(set(document["scopes_supported"]) - ABOUT_PERSON))
    assert everything.status_code == 200


async def _call(
    platform: Platform, url: str, method: str, client_id: str, secret: str, token: str
) -> httpx.Response:
    form = {"grant_type": "client_credentials", "token": token}
    if method == "client_secret_basic":
        return await platform.http.post(url, data=form, auth=(client_id, secret))
    return await platform.http.post(url, data={**form, "client_id": client_id, "client_secret": secret})
