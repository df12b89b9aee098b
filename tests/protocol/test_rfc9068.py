"""RFC 9068: JSON Web Token profile for access tokens, at the resource server (promises T6-T10, T14)."""

from __future__ import annotations

import json

import pytest

from auth import errors
from tests.auth.mint import ISSUER, LEFT_OUT, NOW, Mint, authenticator, bearer, encoded


@pytest.fixture(scope="module")
def mint() -> Mint:
    return Mint()


def refused(mint: Mint, token: bytes, expected: type[errors.AuthError], now: float = NOW) -> None:
    with pytest.raises(expected):
        authenticator().authenticate(bearer(token), mint.keys, now)


def test_section_4_a_genuine_token_gives_its_principal(mint: Mint) -> None:
    principal = authenticator().authenticate(bearer(mint.token()), mint.keys, NOW)
    claims = mint.claims()
    assert principal.client_id == claims["client_id"]
    assert principal.subject == claims["sub"]
    assert principal.organisation_id == claims["org"]
    assert principal.app_id == claims["app"]
    assert principal.environment == "sandbox"
    assert principal.scopes == {"behov:read", "behov:write"}
    assert principal.token_id == claims["jti"]
    assert (principal.issued_at, principal.expires_at) == (NOW, NOW + 300)


@pytest.mark.parametrize(
    "typ",
    [
        LEFT_OUT, None, "", "JWT", "jwt", "at+JWT", "AT+JWT", "application/at+jwt", "at+jwt ", "dpop+jwt",
        "logout+jwt", "secevent+jwt", "id_token", "rt+jwt", "client-authentication+jwt", ["at+jwt"], {}, 1, True,
    ],
)  # fmt: skip
def test_section_4_typ_is_at_jwt_and_nothing_else(mint: Mint, typ: object) -> None:
    refused(mint, mint.token(mint.header(typ=typ)), errors.WrongTokenType)


@pytest.mark.parametrize(
    "iss",
    [
        LEFT_OUT, None, "", ISSUER + "/", ISSUER.upper(), " " + ISSUER, ISSUER + " ", "https://localhost:8080",
        [ISSUER], {"iss": ISSUER}, True, 8080,
    ],
)  # fmt: skip
def test_section_4_iss_matches_exactly(mint: Mint, iss: object) -> None:
    refused(mint, mint.token(iss=iss), errors.ForeignToken)


@pytest.mark.parametrize("aud", [ISSUER, [ISSUER], ["https://other.example", ISSUER]])
def test_section_4_aud_names_us(mint: Mint, aud: object) -> None:
    assert authenticator().authenticate(bearer(mint.token(aud=aud)), mint.keys, NOW).token_id


@pytest.mark.parametrize(
    ("aud", "expected"),
    [
        ("https://other.example", errors.WrongAudience),
        (["https://other.example"], errors.WrongAudience),
        ([], errors.WrongAudience),
        ("", errors.WrongAudience),
        (ISSUER + "/", errors.WrongAudience),
        (LEFT_OUT, errors.MalformedToken),
        (None, errors.MalformedToken),
        ({ISSUER: True}, errors.MalformedToken),
        ([[ISSUER]], errors.MalformedToken),
        ([ISSUER, 1], errors.MalformedToken),
        (True, errors.MalformedToken),
    ],
)
def test_section_4_aud_must_hold_us(mint: Mint, aud: object, expected: type[errors.AuthError]) -> None:
    refused(mint, mint.token(aud=aud), expected)


WRONG_TIMES = [LEFT_OUT, None, True, False, "1800000300", 1800000300.0, 1.8e9, [1800000300], {}, ""]


@pytest.mark.parametrize("name", ["exp", "iat"])
@pytest.mark.parametrize("value", WRONG_TIMES)
def test_section_4_times_are_integers(mint: Mint, name: str, value: object) -> None:
    refused(mint, mint.token(**{name: value}), errors.MalformedToken)


@pytest.mark.parametrize("value", [value for value in WRONG_TIMES if value is not LEFT_OUT])
def test_section_4_nbf_is_an_integer_when_there(mint: Mint, value: object) -> None:
    refused(mint, mint.token(nbf=value), errors.MalformedToken)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400", "1" * 5000])
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_section_4_no_number_that_beats_every_comparison(mint: Mint, name: str, text: str) -> None:
    claims = {key: value for key, value in mint.claims().items() if key != name}
    payload = json.dumps(claims)[:-1] + f', "{name}": {text}}}'
    refused(mint, mint.raw(json.dumps(mint.header()).encode(), payload.encode()), errors.MalformedToken)


@pytest.mark.parametrize(
    ("now", "passes"),
    [(NOW + 299, True), (NOW + 300, True), (NOW + 329.9, True), (NOW + 330, False), (NOW + 10**6, False)],
)
def test_section_4_exp_with_thirty_seconds_of_skew(mint: Mint, now: float, passes: bool) -> None:
    if passes:
        authenticator().authenticate(bearer(mint.token()), mint.keys, now)
    else:
        refused(mint, mint.token(), errors.ExpiredToken, now)


@pytest.mark.parametrize("name", ["iat", "nbf"])
@pytest.mark.parametrize(("ahead", "passes"), [(0, True), (30, True), (31, False), (10**9, False)])
def test_section_4_not_before_its_time(mint: Mint, name: str, ahead: int, passes: bool) -> None:
    token = mint.token(**{name: NOW + ahead, "exp": NOW + 2 * 10**9})
    if passes:
        authenticator().authenticate(bearer(token), mint.keys, NOW)
    else:
        refused(mint, token, errors.NotYetValidToken)


@pytest.mark.parametrize("exp", [0, -1, -(10**30)])
def test_section_4_an_ancient_exp_is_expired(mint: Mint, exp: int) -> None:
    refused(mint, mint.token(exp=exp), errors.ExpiredToken)


@pytest.mark.parametrize("name", ["sub", "client_id", "jti", "org", "app", "env"])
@pytest.mark.parametrize(
    "value",
    [LEFT_OUT, None, "", 1, True, ["x"], {}, "x" * 256, "a b", "a\nb", "å", "\ud800", "a\x00"],
)
def test_section_2_2_required_claims_are_short_printable_texts(mint: Mint, name: str, value: object) -> None:
    refused(mint, mint.token(**{name: value}), errors.MalformedToken)


@pytest.mark.parametrize("env", ["Sandbox", "prod", "test", "sandbox,production"])
def test_section_2_2_environment_is_one_of_two(mint: Mint, env: str) -> None:
    refused(mint, mint.token(env=env), errors.MalformedToken)


@pytest.mark.parametrize(
    "scope",
    [
        None,
        ["behov:read"],
        {},
        1,
        True,
        " ",
        " behov:read",
        "behov:read ",
        "a  b",
        'a"b',
        "a\\b",
        "a\tb",
        "ä",
    ],
)
def test_section_2_2_3_scope_is_one_text_of_scopes(mint: Mint, scope: object) -> None:
    refused(mint, mint.token(scope=scope), errors.MalformedToken)


@pytest.mark.parametrize("scope", [LEFT_OUT, ""])
def test_section_2_2_3_without_scope_there_are_no_scopes(mint: Mint, scope: object) -> None:
    principal = authenticator().authenticate(bearer(mint.token(scope=scope)), mint.keys, NOW)
    assert principal.scopes == frozenset()


@pytest.mark.parametrize("cnf", [{"jkt": "x"}, {"x5t#S256": "x"}, {}, None, "", [], False])
def test_a_bound_token_is_no_bearer_token(mint: Mint, cnf: object) -> None:
    refused(mint, mint.token(cnf=cnf), errors.BoundToken)


def test_section_2_2_1_how_a_person_signed_in(mint: Mint) -> None:
    person = {"grant_id": "gra_0123", "acr": "http://id.elegnamnden.se/loa/1.0/loa3", "auth_time": NOW - 60}
    principal = authenticator().authenticate(bearer(mint.token(**person)), mint.keys, NOW)
    assert (principal.grant_id, principal.acr, principal.auth_time) == tuple(person.values())
    for name, wrong in (
        *(("grant_id", value) for value in ("", 1, None, ["gra_0123"], "a b", "a\r\nb")),
        *(("acr", value) for value in ("", 3, None, {}, "å", LEFT_OUT)),
        *(("auth_time", value) for value in ("1", 1.5, True, None, LEFT_OUT)),
    ):
        with pytest.raises(errors.MalformedToken):
            authenticator().authenticate(bearer(mint.token(**{**person, name: wrong})), mint.keys, NOW)


@pytest.mark.parametrize(
    ("audience", "apis"),
    [
        (f"{ISSUER}/behov/v1", {"behov/v1"}),
        ([f"{ISSUER}/behov/v1", f"{ISSUER}/eko/v1"], {"behov/v1", "eko/v1"}),
        ([f"{ISSUER}/behov/v1", ISSUER], set()),
        ([f"{ISSUER}/behov/v1", "https://other.example"], {"behov/v1"}),
    ],
)
def test_rfc8707_2_a_token_for_some_apis(mint: Mint, audience: object, apis: set[str]) -> None:
    assert authenticator().authenticate(bearer(mint.token(aud=audience)), mint.keys, NOW).apis == apis


def test_further_claims_change_nothing(mint: Mint) -> None:
    token = mint.token(acr="loa3", amr=["pwd"], roles={"deep": [1]}, active=False)
    assert authenticator().authenticate(bearer(token), mint.keys, NOW).token_id


@pytest.mark.parametrize("payload", [b"[]", b'"x"', b"1", b"null", b"true", b"", b"{", b"{}x", b"\xff{}"])
def test_the_payload_is_one_json_object(mint: Mint, payload: bytes) -> None:
    refused(mint, mint.raw(json.dumps(mint.header()).encode(), payload), errors.MalformedToken)


def test_a_claim_twice_is_refused(mint: Mint) -> None:
    payload = json.dumps(mint.claims()).encode()[:-1] + b', "scope": "admin:all"}'
    refused(mint, mint.raw(json.dumps(mint.header()).encode(), payload), errors.MalformedToken)


def test_re_encoded_text_is_not_the_token(mint: Mint) -> None:
    """Promise T12: padding, stray bits and another alphabet are refused, so one token has one text."""
    head, body, mark = mint.token().split(b".")
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(mark[-1:])
    stray = mark[:-1] + alphabet[last ^ 1 : (last ^ 1) + 1]  # 64 octets leave four unused bits
    variants = [
        [head, body, mark + b"=="],
        [head + b"=", body, mark],
        [head, body + b"=", mark],
        [head, body, stray],
        [head, body, mark + b"."],
        [head, body, mark[:-1]],
        [b"", head, body, mark],
        [head, body],
        [head, body, b""],
        [head, b"", mark],
        [encoded(b" " + json.dumps(mint.header()).encode()), body, mark],
    ]
    for variant in variants:
        refused(mint, b".".join(variant), errors.Unauthenticated)


def test_a_mirrored_signature_has_the_same_identity(mint: Mint) -> None:
    """(r, n - s) verifies as (r, s) does, so identity must be the jti and never the text (T12)."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    signed = encoded(json.dumps(mint.header()).encode()) + b"." + encoded(json.dumps(mint.claims()).encode())
    mark = mint.signature(signed)
    mirrored = mark[:32] + (order - int.from_bytes(mark[32:], "big")).to_bytes(32, "big")
    one, other = (
        authenticator().authenticate(bearer(signed + b"." + encoded(text)), mint.keys, NOW)
        for text in (mark, mirrored)
    )
    assert one.token_id == other.token_id
