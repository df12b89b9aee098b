"""What a client's metadata may be: every member's form, and what its profile demands (T29, T35)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from auth.profiles import METHODS, PROFILES
from auth.registration import faults
from storage.clients import ClientMetadata, usual
from tests.auth.holder import Holder

HOLDER = Holder()
CODED: dict[str, Any] = {"grant_types": ("authorization_code",), "redirect_uris": ("https://a.example/cb",)}
PUBLIC: dict[str, Any] = {**CODED, "auth_method": "none"}


def members(**changed: Any) -> set[str]:
    return {fault.member for fault in faults(replace(usual("app_1"), **changed))}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        CODED,
        PUBLIC,
        {**CODED, "grant_types": ("authorization_code", "refresh_token", "client_credentials")},
        {**CODED, "response_types": ("code",)},
        {"auth_method": "private_key_jwt", "jwks": HOLDER.jwks},
        {"auth_method": "private_key_jwt", "jwks_uri": "https://a.example/jwks", "profile": "fapi2"},
        {
            "auth_method": "tls_client_auth",
            "tls_client_auth_name": "subject_dn",
            "tls_client_auth_value": "CN=a,O=Bolåget,C=SE",
            "profile": "fapi2",
        },
        {"scopes": ("behov:read", "patient/Observation.rs?category=x")},
        {"contacts": ("a@a.example",), "logo_uri": "https://a.example/l.png", "software_id": "s"},
    ],
)
def test_what_may_be_stored(changed: dict[str, Any]) -> None:
    assert members(**changed) == set()


@pytest.mark.parametrize(
    ("address", "web", "native"),
    [
        ("https://a.example/cb?x=1", True, True),
        ("https://a.example:8443/cb", True, True),
        ("http://127.0.0.1:5000/cb", True, True),
        ("http://[::1]/cb", True, True),
        ("http://localhost/cb", True, True),
        ("se.example.app:/cb", False, True),
        ("http://a.example/cb", False, False),
        ("http://localhost.evil.example/cb", False, False),
        ("http://127.0.0.1@evil.example/cb", False, False),
        ("https://u:p@a.example/cb", False, False),
        ("https://a.example/cb#x", False, False),
        ("https://a.example/cb#", False, False),
        ("https://*.a.example/cb", False, False),
        ("https://a.example/*", False, False),
        ("https://a.example\\@evil.example/", False, False),
        ("https:///cb", False, False),
        ("https://a.example:x/cb", False, False),
        ("https://[/cb", False, False),
        ("//a.example/cb", False, False),
        ("/cb", False, False),
        ("", False, False),
        ("javascript:alert(1)", False, False),
        ("JavaScript:alert(1)", False, False),
        ("data:text/html,x", False, False),
        ("myapp:/cb", False, False),
        ("https://a.example/c b", False, False),
        ("https://a.example/å", False, False),
        ("https://a.example/\r\nSet-Cookie:x", False, False),
        ("https://a.example/" + "x" * 2048, False, False),
    ],
)
def test_t35_addresses_to_answer_to(address: str, web: bool, native: bool) -> None:
    for kind, good in (("web", web), ("native", native)):
        found = members(**{**CODED, "redirect_uris": (address,)}, application_type=kind)
        assert ("redirect_uris" not in found) is good, kind


@pytest.mark.parametrize(
    ("changed", "member"),
    [
        ({"profile": "best"}, "profile"),
        ({"auth_method": "client_secret_jwt"}, "auth_method"),
        ({"auth_method": "private_key_jwt"}, "jwks"),
        ({"auth_method": "private_key_jwt", "jwks": "{}"}, "jwks"),
        ({"auth_method": "private_key_jwt", "jwks": '{"keys":[]}'}, "jwks"),
        ({"auth_method": "private_key_jwt", "jwks": "x" * 70_000}, "jwks"),
        ({"jwks": json.dumps({"keys": [HOLDER.key.as_dict(private=True)]})}, "jwks"),
        ({"jwks": json.dumps({"keys": [HOLDER.public, HOLDER.public]})}, "jwks"),
        ({"jwks": json.dumps({"keys": [{"kty": "oct", "k": "AA"}]})}, "jwks"),
        ({"jwks": json.dumps({"keys": [{**HOLDER.public, "use": "enc"}]})}, "jwks"),
        ({"jwks": json.dumps({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]})}, "jwks"),
        ({"auth_method": "self_signed_tls_client_auth", "jwks": HOLDER.jwks}, "jwks"),
        ({"jwks": HOLDER.jwks, "jwks_uri": "https://a.example/"}, "jwks_uri"),
        *(
            ({"jwks_uri": each}, "jwks_uri")
            for each in (
                "http://a.example/",
                "https://u@a.example/",
                "file:///etc/passwd",
                "https://",
                "x",
                "",
            )
        ),
        ({"logo_uri": "javascript:alert(1)"}, "logo_uri"),
        ({"backchannel_logout_uri": "http://a.example/"}, "backchannel_logout_uri"),
        ({"auth_method": "tls_client_auth"}, "tls_client_auth_value"),
        ({"tls_client_auth_name": "subject_dn"}, "tls_client_auth_name"),
        ({"tls_client_auth_name": "serial", "tls_client_auth_value": "1"}, "tls_client_auth_name"),
        ({"tls_client_auth_name": "subject_dn", "tls_client_auth_value": "nonsense"}, "tls_client_auth_name"),
        ({"tls_client_auth_name": "san_ip", "tls_client_auth_value": "a.example"}, "tls_client_auth_name"),
        ({"grant_types": ()}, "grant_types"),
        ({"grant_types": ("password",)}, "grant_types"),
        ({"grant_types": ("implicit",)}, "grant_types"),
        ({"auth_method": "none"}, "grant_types"),
        ({"grant_types": ("authorization_code",)}, "redirect_uris"),
        ({"response_types": ("token",)}, "response_types"),
        ({"scopes": ('a"b',)}, "scopes"),
        ({"contacts": ("nobody",)}, "contacts"),
        ({"software_id": "a\nb"}, "software_id"),
        ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
        ({"application_type": "desktop"}, "application_type"),
        ({"auth_signing_alg": "HS256"}, "auth_signing_alg"),
        ({"profile": "smart", "auth_signing_alg": "ES256"}, "auth_signing_alg"),
    ],
)
def test_what_may_not(changed: dict[str, Any], member: str) -> None:
    assert member in members(**changed)


@pytest.mark.parametrize("profile", sorted(PROFILES))
@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_cell_of_profile_and_method(profile: str, method: str) -> None:
    """And a mismatch says what to change, in both languages."""
    client = ClientMetadata(app_id="app_1", profile=profile, auth_method=method)
    found = [fault for fault in faults(client) if fault.member == "auth_method"]
    assert bool(found) is (method not in PROFILES[profile].auth_methods)
    for fault in found:
        assert profile in fault.sv
        assert "change the method or the profile" in fault.en
