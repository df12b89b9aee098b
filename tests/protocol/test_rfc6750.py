"""RFC 6750: the Authorization header of a bearer token (promises T11, T16)."""

from __future__ import annotations

import pytest

from auth import errors
from tests.auth.mint import NOW, Mint, authenticator, bearer


@pytest.fixture(scope="module")
def mint() -> Mint:
    return Mint()


@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER", b"bEaReR"])
def test_section_2_1_the_scheme_has_no_case(mint: Mint, scheme: bytes) -> None:
    assert authenticator().authenticate(scheme + b" " + mint.token(), mint.keys, NOW).token_id


@pytest.mark.parametrize("form", [b"Bearer", b"Bearer ", b"Bearer  %", b"Bearer\t%", b"Bearer % ", b"Bearer %\n",
                                  b"Bearer %,%", b"Bearer % %", b'Bearer "%"', b"Bearer =%", b"Bearer %\x00",
                                  b"Bearer: %", b"Bearer,%", b"Bearer \xff"])  # fmt: skip
def test_section_2_1_one_space_and_one_token(mint: Mint, form: bytes) -> None:
    with pytest.raises(errors.MalformedAuthorization) as caught:
        authenticator().authenticate(form.replace(b"%", mint.token()), mint.keys, NOW)
    assert caught.value.bearer_error == "invalid_request"


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b" ",
        b"Basic eDp5",
        b"%",
        b" Bearer %",
        b"Bearertoken %",
        b"Token %",
        b"\xff\xfe",
    ],
)
def test_section_3_1_nothing_presented_has_no_error_code(mint: Mint, value: bytes | None) -> None:
    shown = None if value is None else value.replace(b"%", mint.token())
    with pytest.raises(errors.MissingToken) as caught:
        authenticator().authenticate(shown, mint.keys, NOW)
    assert caught.value.bearer_error is None


@pytest.mark.parametrize(
    "token", [b"x", b"a.b.c", b"a.b", b"a.b.c.d", b"...", b"==", b"a.b.c=", b"sluss_sec_x"]
)
def test_section_3_1_what_is_no_token_of_ours_is_invalid_token(mint: Mint, token: bytes) -> None:
    with pytest.raises(errors.Unauthenticated) as caught:
        authenticator().authenticate(bearer(token), mint.keys, NOW)
    assert caught.value.bearer_error in ("invalid_token", "invalid_request")


@pytest.mark.parametrize(("size", "expected"), [(8192, errors.ForeignToken), (8193, errors.MalformedToken)])
def test_the_size_is_looked_at_first(mint: Mint, size: int, expected: type[errors.AuthError]) -> None:
    genuine = mint.token()
    head, rest = genuine.split(b".", 1)
    padded = head + b"." + b"A" * (size - len(bearer(genuine))) + rest
    assert len(bearer(padded)) == size
    with pytest.raises(expected):
        authenticator().authenticate(bearer(padded), mint.keys, NOW)


def test_section_3_1_insufficient_scope_names_what_is_demanded() -> None:
    error = errors.MissingScope({"behov:write", "behov:read"})
    assert error.bearer_error == "insufficient_scope"
    assert error.scopes == ("behov:read", "behov:write")
