"""Secrets: strength, form, checksum, comparison (promise T33)."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.credentials.secrets import Prefix, hash_of, make, well_formed, which


@pytest.mark.parametrize("prefix", list(Prefix))
def test_a_secret_has_256_bits_a_prefix_and_a_checksum(prefix: Prefix) -> None:
    made = [make(prefix) for _ in range(200)]
    assert len({one.text for one in made}) == 200
    for one in made:
        assert one.text.startswith(prefix)
        assert len(one.text) == len(prefix) + 43 + 6
        assert well_formed(one.text, prefix)
        assert one.hash == hashlib.sha256(one.text.encode()).hexdigest()
        assert one.last4 == one.text[-4:]
        assert one.text not in repr(one)
        assert one.hash not in repr(one)


def test_one_kind_is_not_another() -> None:
    assert not well_formed(make(Prefix.CLIENT_SECRET).text, Prefix.PERSONAL_TOKEN)
    assert not well_formed(make(Prefix.PERSONAL_TOKEN).text, Prefix.CLIENT_SECRET)


@given(st.integers(0, 58), st.characters())
def test_one_wrong_character_is_noticed_without_a_database(at: int, character: str) -> None:
    text = make(Prefix.CLIENT_SECRET).text
    wrong = text[:at] + character + text[at + 1 :]
    assert well_formed(wrong, Prefix.CLIENT_SECRET) == (wrong == text)


@given(st.text())
def test_any_text_has_a_hash_and_is_no_secret(text: str) -> None:
    assert len(hash_of(text)) == 64
    assert not well_formed(text, Prefix.CLIENT_SECRET)
    assert which(text, [hash_of("another"), ""]) is None or text == "another"


def test_lone_surrogates_are_compared_too() -> None:
    assert which("\ud800", [hash_of("x")]) is None


def test_the_right_one_of_several() -> None:
    one, other = make(Prefix.CLIENT_SECRET), make(Prefix.CLIENT_SECRET)
    assert which(other.text, [one.hash, other.hash]) == 1
    assert which(one.text, [one.hash, other.hash, one.hash]) == 0
    assert which(one.text, []) is None
    assert which(one.text.lower(), [one.hash]) is None
    assert which(one.hash, [one.hash]) is None  # the stored form is no secret
