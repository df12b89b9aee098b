"""One-time codes (RFC 6238): the test vectors, the window, and that a code works once (5.2); recovery codes."""

from __future__ import annotations

import base64
import re

import pytest

from auth.factors import recovery, totp

# RFC 6238, appendix B, the SHA-1 rows; the last six of its eight digits.
SECRET = base64.b32encode(b"12345678901234567890").decode()
VECTORS = [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924")]


@pytest.mark.parametrize(("at", "code"), VECTORS)
def test_the_vectors_of_the_rfc(at: int, code: str) -> None:
    assert totp.matching(SECRET, code, at, 0) == at // 30


def test_a_phone_may_be_one_step_off() -> None:
    at, code = VECTORS[1]
    accepted = [ahead for ahead in range(-4, 5) if totp.matching(SECRET, code, at + 30 * ahead, 0)]
    assert accepted == [-1, 0, 1]


def test_a_step_used_up_is_refused_and_all_before_it() -> None:
    at, code = VECTORS[1]
    assert totp.matching(SECRET, code, at, at // 30 - 1) == at // 30
    assert totp.matching(SECRET, code, at, at // 30) is None
    assert totp.matching(SECRET, code, at, at // 30 + 1) is None


@pytest.mark.parametrize(
    "code", ["", "0", "28708", "2870820", "٢٨٧٠٨٢", "287082\n", "\ud800", "9" * 9999, "287 082"]
)
def test_what_is_no_code(code: str) -> None:
    assert totp.matching(SECRET, code, 59, 0) is None


def test_people_type_the_space_that_apps_show() -> None:
    assert totp.plain(" 287 082 ") == "287082"
    assert totp.looks_like_code("287082")
    assert not totp.looks_like_code("٢٨٧٠٨٢")


def test_secrets_have_160_bits_and_differ() -> None:
    made = {totp.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(base64.b32decode(secret)) == 20 for secret in made)


def test_an_app_reads_whose_account_it_is() -> None:
    address = totp.address(SECRET, "a b@x.se?secret=1")
    assert address.startswith("otpauth://totp/Sluss:a%20b%40x.se%3Fsecret%3D1?secret=" + SECRET)


def test_recovery_codes_differ_and_spelling_does_not_count() -> None:
    codes = recovery.new_codes()
    assert len(set(codes)) == recovery.MANY
    assert all(re.fullmatch(r"[a-km-np-z2-9]{4}(-[a-km-np-z2-9]{4}){3}", code) for code in codes)
    assert recovery.stored(codes[0]) == recovery.stored(f" {codes[0].upper().replace('-', ' ')} ")
    assert recovery.stored(codes[0]) != recovery.stored(codes[1])
