"""Forms of any octets are read or refused, never anything else."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.server.clients import presented
from auth.server.faults import NO_STORE, InvalidClient, OAuthFault, RepeatedParameter, UnreadableForm
from auth.server.form import parsed


@given(st.binary(max_size=200))
def test_any_body_is_a_form_or_an_oauth_error(body: bytes) -> None:
    try:
        form = parsed(body)
    except OAuthFault:
        return
    assert all(form.values())


@given(st.dictionaries(st.text(max_size=10), st.text(min_size=1, max_size=10), max_size=8))
def test_what_is_encoded_comes_back(form: dict[str, str]) -> None:
    if any("\ud800" <= character <= "\udfff" for text in [*form, *form.values()] for character in text):
        return
    assert parsed(urlencode(form).encode()) == form


@pytest.mark.parametrize("body", [b"a=%ff", b"a=\xff", b"%c3%28=1", "å=1".encode(), b"a=%ed%a0%80"])
def test_only_utf8(body: bytes) -> None:
    with pytest.raises(UnreadableForm):
        parsed(body)


@pytest.mark.parametrize("body", [b"a=1&a=1", b"a=1&a=2", b"a=&a=1", b"a&a", b"a=1&%61=1"])
def test_nothing_twice(body: bytes) -> None:
    with pytest.raises(RepeatedParameter):
        parsed(body)


def test_an_empty_value_is_left_out() -> None:
    assert parsed(b"scope=&grant_type=x&&") == {"grant_type": "x"}


@given(
    st.lists(st.text(max_size=60), max_size=2), st.dictionaries(st.text(max_size=10), st.text(max_size=10))
)
def test_any_authorization_is_a_proof_or_an_oauth_error(
    authorization: list[str], form: dict[str, str]
) -> None:
    try:
        shown = presented(authorization, form)
    except OAuthFault:
        return
    assert isinstance(shown.client_id, str)


@given(st.binary(max_size=60))
def test_any_basic_octets_are_a_proof_or_invalid_client(octets: bytes) -> None:
    try:
        presented(["Basic " + b64encode(octets).decode()], {})
    except InvalidClient:
        return
    assert b":" in octets


def faults(root: type[OAuthFault] = OAuthFault) -> list[type[OAuthFault]]:
    return [root, *(found for child in root.__subclasses__() for found in faults(child))]


@pytest.mark.parametrize("fault", faults())
def test_every_refusal_is_plain_ascii_and_not_stored(fault: type[OAuthFault]) -> None:
    status, body, headers = fault()()
    assert 400 <= status < 600
    assert body.keys() == {"error", "error_description"}
    assert all(32 <= ord(one) < 127 and one not in '"\\' for text in body.values() for one in text)
    assert set(NO_STORE) <= set(headers)
