"""RFC 8725: JWT best current practices, at the resource server (promises T1-T5, T8, T11)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
import zlib

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from auth import errors
from auth.tokens.keys import VerificationKeys
from tests.auth.mint import LEFT_OUT, NOW, Mint, authenticator, bearer, encoded


@pytest.fixture(scope="module")
def mint() -> Mint:
    return Mint()


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """T4: no header makes us call anybody."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def refused(mint: Mint, token: bytes, expected: type[errors.Unauthenticated] = errors.InvalidToken) -> None:
    with pytest.raises(expected):
        authenticator().authenticate(bearer(token), mint.keys, NOW)


def unsigned(mint: Mint, header: object, signature: bytes = b"") -> bytes:
    head = encoded(json.dumps(header).encode())
    return head + b"." + encoded(json.dumps(mint.claims()).encode()) + b"." + encoded(signature)


ALGORITHMS = [
    LEFT_OUT, None, "", "none", "None", "NONE", "nOnE", "none ", "HS256", "HS384", "HS512", "RS256", "PS256",
    "RS512", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519", "es256", "ES256 ", "dir", "RSA-OAEP",
    "PBES2-HS256+A128KW", ["ES256"], {"alg": "ES256"}, 256, True,
]  # fmt: skip


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_section_3_1_the_algorithm_is_the_keys(mint: Mint, alg: object) -> None:
    """T1, T2: genuinely signed, with no signature, and with an empty one: the header decides nothing."""
    header = mint.header(alg=alg)
    refused(mint, mint.token(header), errors.ForeignToken)
    refused(mint, unsigned(mint, header))
    refused(mint, unsigned(mint, header, b"\x00" * 64))


def public_forms(mint: Mint) -> list[bytes]:
    public = mint.private.public_key()
    forms = serialization.PublicFormat
    return [
        public.public_bytes(serialization.Encoding.PEM, forms.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.PEM, forms.SubjectPublicKeyInfo).rstrip(),
        public.public_bytes(serialization.Encoding.DER, forms.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.X962, forms.UncompressedPoint),
        public.public_bytes(serialization.Encoding.X962, forms.CompressedPoint),
        mint.row.public_jwk.encode(),
        b"",
    ]


@pytest.mark.parametrize("form", range(7))
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512", "ES256"])
def test_section_2_1_the_public_key_is_no_hmac_secret(mint: Mint, alg: str, form: int) -> None:
    """T2."""
    digest = {"HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(alg, hashlib.sha256)
    header, payload = mint.header(alg=alg), mint.claims()
    signed = encoded(json.dumps(header).encode()) + b"." + encoded(json.dumps(payload).encode())
    mark = hmac.new(public_forms(mint)[form], signed, digest).digest()
    refused(mint, signed + b"." + encoded(mark), errors.ForeignToken)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "RS512", "ES256"])
def test_section_3_1_another_key_type_never_verifies(mint: Mint, alg: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signed = unsigned(mint, mint.header(alg=alg)).rsplit(b".", 1)[0]
    mark = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    refused(mint, signed + b"." + encoded(mark), errors.ForeignToken)


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 70, 71, 72, 96, 128])
def test_section_3_2_a_signature_has_64_octets(mint: Mint, length: int) -> None:
    refused(mint, unsigned(mint, mint.header(), b"\x01" * length), errors.ForeignToken)


def test_section_3_2_a_widened_signature_is_another_text(mint: Mint) -> None:
    """T12: r and s with leading zeros are the same numbers, so the width itself must be held."""
    signed = unsigned(mint, mint.header()).rpartition(b".")[0]
    mark = mint.signature(signed)
    for wide in (mark[:32] + b"\x00" + mark[32:], mark[:32] + b"\x00" * 4 + mark[32:]):
        refused(mint, signed + b"." + encoded(wide), errors.ForeignToken)


@pytest.mark.parametrize("fill", [b"\x00", b"\xff"])
def test_section_3_2_psychic_signatures(mint: Mint, fill: bytes) -> None:
    """r = s = 0 verified everything in Java 15-18 (CVE-2022-21449)."""
    refused(mint, unsigned(mint, mint.header(), fill * 64), errors.ForeignToken)


def test_section_3_2_a_der_signature_is_another_form(mint: Mint) -> None:
    signed = unsigned(mint, mint.header()).rsplit(b".", 1)[0]
    der = mint.private.sign(signed, ec.ECDSA(hashes.SHA256()))
    refused(mint, signed + b"." + encoded(der), errors.ForeignToken)


KIDS = [
    LEFT_OUT, None, "", "key-2", "KEY-1", "key-1 ", "../../../../etc/passwd", "/dev/null", "file:///etc/passwd",
    "http://127.0.0.1:1/jwks", "' OR 1=1 --", "key-1' UNION SELECT 'x", "key-1\x00", "*", "%", "${jndi:ldap://x}",
    ["key-1"], {"kid": "key-1"}, 1, True,
]  # fmt: skip


@pytest.mark.parametrize("kid", KIDS)
def test_section_3_10_kid_only_names_a_key_of_ours(mint: Mint, kid: object) -> None:
    """T3."""
    refused(mint, mint.token(mint.header(kid=kid)), errors.ForeignToken)


def test_section_3_10_a_long_kid_is_refused_by_its_length(mint: Mint) -> None:
    refused(mint, mint.token(mint.header(kid="k" * 20_000)), errors.MalformedToken)
    refused(mint, mint.token(mint.header(kid="k" * 2_000)), errors.MalformedToken)


def test_section_3_10_the_callers_own_key_is_never_used(mint: Mint) -> None:
    """T4: a token signed with the attacker's key, which the header carries or points at."""
    attacker = Mint(kid=mint.kid)
    jwk = attacker.jwk.as_dict(private=False)
    for extra in (
        {"jwk": jwk},
        {"jku": "http://127.0.0.1:1/jwks.json"},
        {"x5u": "http://127.0.0.1:1/cert.pem"},
        {"x5c": ["MIIB"]},
        {"x5t#S256": "x"},
        {"jwk": jwk, "kid": LEFT_OUT},
        {"jwk": jwk, "kid": "attacker"},
    ):
        refused(mint, attacker.token(attacker.header(**extra)))
        refused(mint, mint.token(mint.header(**extra)))  # even genuinely signed: our issuer writes none


@pytest.mark.parametrize(
    "extra",
    [
        {"crit": ["exp"]}, {"crit": []}, {"crit": ["b64"], "b64": False}, {"b64": False}, {"b64": True},
        {"crit": "exp"}, {"crit": None}, {"crit": ["alg"]}, {"crit": [1]}, {"zip": "DEF"}, {"cty": "JWT"},
        {"enc": "A128GCM"}, {"p2c": 2**31}, {"epk": {}}, {"exp": 1},
    ],
)  # fmt: skip
def test_crit_and_all_that_our_issuer_does_not_write(mint: Mint, extra: dict[str, object]) -> None:
    """T5."""
    refused(mint, mint.token(mint.header(**extra)), errors.MalformedToken)


def test_crit_only_in_the_payload_means_nothing(mint: Mint) -> None:
    assert authenticator().authenticate(bearer(mint.token(crit=["x"], b64=False)), mint.keys, NOW).token_id


def test_a_header_parameter_twice_is_refused(mint: Mint) -> None:
    header = json.dumps(mint.header()).encode()[:-1] + b', "alg": "none"}'
    refused(mint, mint.raw(header, json.dumps(mint.claims()).encode()), errors.MalformedToken)


def bombs(mint: Mint) -> dict[str, bytes]:
    claims = json.dumps(mint.claims()).encode()
    header = json.dumps(mint.header()).encode()
    deflated = zlib.compress(b"0" * 10_000_000)
    return {
        "64 KiB": mint.raw(header, claims[:-1] + b', "x": "' + b"x" * 65_536 + b'"}'),
        "1 MiB header": mint.raw(header[:-1] + b', "x": "' + b"x" * 1_048_576 + b'"}', claims),
        "deep payload": mint.raw(header, b"[" * 5000 + b"]" * 5000),
        "deep claim": mint.raw(header, b'{"x":' * 5000 + b"1" + b"}" * 5000),
        "deep payload that fits": mint.raw(header, b"[" * 5500),
        "deep header": mint.raw(b"[" * 5000 + b"]" * 5000, claims),
        "deep header that fits": mint.raw(b"[" * 380, claims),
        "zip bomb": mint.raw(json.dumps(mint.header(zip="DEF")).encode(), deflated),
        "JWE": b".".join(
            [encoded(b'{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647}'), *[b"x"] * 4]
        ),
        "dots": b"." * 8000,
        "long number": mint.raw(header, b'{"exp": ' + b"9" * 5500 + b"}"),
    }


@pytest.mark.parametrize(
    "name",
    [
        "64 KiB", "1 MiB header", "deep payload", "deep claim", "deep payload that fits", "deep header",
        "deep header that fits", "zip bomb", "JWE", "dots", "long number",
    ],
)  # fmt: skip
def test_large_and_deep_tokens_cost_nothing(mint: Mint, name: str) -> None:
    """T11: genuinely signed where the form allows it, so the size and depth themselves are what is met."""
    token = bombs(mint)[name]
    started = time.perf_counter()
    refused(mint, token, errors.InvalidToken)
    assert time.perf_counter() - started < 0.5


def test_a_key_set_refuses_what_is_not_its_algorithm(mint: Mint) -> None:
    for algorithm in ("none", "HS256", "RS256", ""):
        row = type(mint.row)(mint.kid, algorithm, mint.row.public_jwk)
        with pytest.raises(errors.UnusableKey):
            VerificationKeys.from_rows([row])


@pytest.mark.parametrize(
    "change",
    [
        {"crv": "P-384"}, {"kty": "oct"}, {"x": "AAAA"}, {"y": base64.urlsafe_b64encode(b"\x01" * 32).decode()},
        {"x": 1}, {"y": None},
    ],
)  # fmt: skip
def test_a_damaged_public_key_is_refused_when_the_set_is_built(mint: Mint, change: dict[str, object]) -> None:
    jwk = {**json.loads(mint.row.public_jwk), **change}
    with pytest.raises(errors.UnusableKey):
        VerificationKeys.from_rows([type(mint.row)("k", "ES256", json.dumps(jwk))])


def test_two_keys_of_one_name_are_refused(mint: Mint) -> None:
    with pytest.raises(errors.UnusableKey):
        VerificationKeys.from_rows([mint.row, mint.row])
