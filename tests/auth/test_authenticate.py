"""The token memory and its bounds, and garbage of every kind. The forms of tokens are in `tests/protocol`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth.authenticate import CACHED_FOR, Authenticator
from auth.errors import AuthError, ExpiredToken, ForeignToken, Unauthenticated
from auth.tokens.keys import VerificationKey, VerificationKeys
from tests.auth.mint import ISSUER, NOW, Mint, authenticator, bearer, encoded

MINT = Mint()


def counting(mint: Mint) -> tuple[VerificationKeys, list[bytes]]:
    """The mint's keys, with a list that grows by one for each signature that is checked."""
    key = mint.keys.find(mint.kid)
    assert key is not None
    checked: list[bytes] = []

    def verify(signature: bytes, signed: bytes) -> bool:
        checked.append(signed)
        return key.verify(signature, signed)

    counted = VerificationKey(key.kid, key.algorithm, verify)
    return VerificationKeys({key.kid: counted}, mint.keys.fingerprint), checked


def test_a_token_is_verified_once_a_minute() -> None:
    keys, checked = counting(MINT)
    door = authenticator()
    shown = bearer(MINT.token())
    first = door.authenticate(shown, keys, NOW)
    assert door.authenticate(shown, keys, NOW + CACHED_FOR - 1) is first
    assert len(checked) == 1
    assert door.authenticate(shown, keys, NOW + CACHED_FOR) == first
    assert len(checked) == 2


@pytest.mark.parametrize("life", [1, 10, 59])
def test_a_token_is_never_remembered_past_its_end(life: int) -> None:
    door = authenticator()
    shown = bearer(MINT.token(exp=NOW + life))
    door.authenticate(shown, MINT.keys, NOW)
    with pytest.raises(ExpiredToken):
        door.authenticate(shown, MINT.keys, NOW + life + 30)


def test_a_key_that_is_gone_takes_its_remembered_tokens_along() -> None:
    """T14."""
    door, other = authenticator(), Mint("key-2")
    both = VerificationKeys.from_rows([MINT.row, other.row])
    shown = bearer(MINT.token())
    door.authenticate(shown, both, NOW)
    with pytest.raises(ForeignToken):
        door.authenticate(shown, other.keys, NOW)


def test_a_new_set_of_the_same_keys_keeps_the_memory() -> None:
    """The snapshot is rebuilt at every change of a subscription; that must not cost every token anew."""
    keys, checked = counting(MINT)
    door = authenticator()
    shown = bearer(MINT.token())
    door.authenticate(shown, keys, NOW)
    again = VerificationKeys.from_rows([MINT.row])
    assert again is not keys
    door.authenticate(shown, again, NOW)
    assert len(checked) == 1


def test_the_memory_is_bounded_and_keeps_what_is_used() -> None:
    keys, checked = counting(MINT)
    door = Authenticator(ISSUER, frozenset({ISSUER}), cache_size=8)
    used = bearer(MINT.token())
    door.authenticate(used, keys, NOW)
    for number in range(40):
        door.authenticate(bearer(MINT.token(jti=f"t{number}")), keys, NOW)
        assert door.remembered <= 8
        door.authenticate(used, keys, NOW)
    assert len(checked) == 41  # the used one once


def test_refused_tokens_are_not_remembered() -> None:
    door = authenticator()
    for number in range(100):
        with pytest.raises(Unauthenticated):
            door.authenticate(bearer(b"a.b.%d" % number), MINT.keys, NOW)
    assert door.remembered == 0


def test_two_callers_never_share_a_principal() -> None:
    """Z12."""
    door = authenticator()
    one = door.authenticate(bearer(MINT.token()), MINT.keys, NOW)
    other = door.authenticate(bearer(MINT.token(client_id="c2", org="o2", jti="j2")), MINT.keys, NOW)
    assert (one.client_id, one.organisation_id) != (other.client_id, other.organisation_id)


def test_without_keys_nobody_passes() -> None:
    with pytest.raises(ForeignToken):
        authenticator().authenticate(bearer(MINT.token()), VerificationKeys.from_rows([]), NOW)


GENUINE = bearer(MINT.token())


@given(st.binary(max_size=300))
def test_garbage_is_refused(value: bytes) -> None:
    with pytest.raises(Unauthenticated):
        authenticator().authenticate(value, MINT.keys, NOW)


@given(st.binary(max_size=300))
def test_garbage_after_bearer_is_refused(value: bytes) -> None:
    with pytest.raises(Unauthenticated):
        authenticator().authenticate(b"Bearer " + value, MINT.keys, NOW)


@settings(max_examples=300)
@given(st.data())
def test_a_changed_token_is_refused(data: st.DataObject) -> None:
    """Any octet of the token changed, left out or doubled."""
    at = data.draw(st.integers(len(b"Bearer "), len(GENUINE) - 1))
    put = data.draw(st.binary(max_size=2).filter(lambda octets: octets != GENUINE[at : at + 1]))
    with pytest.raises(Unauthenticated):
        authenticator().authenticate(GENUINE[:at] + put + GENUINE[at + 1 :], MINT.keys, NOW)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
CLAIMS = st.sampled_from([*MINT.claims(), "nbf", "cnf"])
PARAMETERS = st.sampled_from([*MINT.header(), "crit", "jwk", "b64"])


@settings(max_examples=300)
@given(st.dictionaries(PARAMETERS, ANY_JSON, max_size=3), st.dictionaries(CLAIMS, ANY_JSON, max_size=3))
def test_any_signed_content_gives_a_principal_or_a_refusal(
    header: dict[str, object], claims: dict[str, object]
) -> None:
    """T10: wrong types never become anything but a refusal."""
    token = MINT.token(MINT.header(**header), **claims)
    try:
        principal = authenticator().authenticate(bearer(token), MINT.keys, NOW)
    except AuthError:
        return
    assert all(isinstance(text, str) for text in (principal.client_id, principal.token_id, *principal.scopes))
    assert type(principal.expires_at) is int


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_signed_octets_are_refused(header: bytes, payload: bytes) -> None:
    with pytest.raises(Unauthenticated):
        authenticator().authenticate(bearer(MINT.raw(header, payload)), MINT.keys, NOW)


@given(st.binary(max_size=200))
def test_any_octets_as_payload_under_our_header_are_refused(payload: bytes) -> None:
    token = MINT.raw(json.dumps(MINT.header()).encode(), payload)
    with pytest.raises(Unauthenticated):
        authenticator().authenticate(bearer(token), MINT.keys, NOW)


@given(st.binary(min_size=64, max_size=64))
def test_any_signature_is_refused(mark: bytes) -> None:
    signed = GENUINE[len(b"Bearer ") :].rpartition(b".")[0]
    with pytest.raises(ForeignToken):
        authenticator().authenticate(bearer(signed + b"." + encoded(mark)), MINT.keys, NOW)


def test_a_refusal_says_nothing_of_the_token() -> None:
    """P1: neither the message nor the chain of causes holds what was sent."""
    secret = "behov:topsecret"
    for token in (
        MINT.raw(json.dumps(MINT.header()).encode(), f'{{"scope": "{secret}"'.encode()),
        MINT.token(scope=[secret]),
        MINT.token(iss=secret),
        MINT.token(MINT.header(kid=secret)),
    ):
        with pytest.raises(Unauthenticated) as caught:
            authenticator().authenticate(bearer(token), MINT.keys, NOW)
        assert secret not in f"{caught.value} {caught.value.detail} {caught.value.__cause__!r}"
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
