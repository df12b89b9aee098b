"""The hash of an entry covers everything in it."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.audit.chain import GENESIS, Entry, canonical, hash_of, storable

ENTRY = Entry(
    seq=1,
    at=1_800_000_000,
    actor_kind="person",
    actor_id="per_1",
    act="app.create",
    object_kind="app",
    object_id="app_1",
    organisation_id="org_1",
    request_id="req_1",
    ip="192.0.2.1",
    before=None,
    after='{"name":"x"}',
    hash="",
)


def test_the_hash_is_the_documented_one() -> None:
    text = (
        '{"act":"app.create","actor_id":"per_1","actor_kind":"person","after":"{\\"name\\":\\"x\\"}",'
        '"at":1800000000,"before":null,"ip":"192.0.2.1","object_id":"app_1","object_kind":"app",'
        f'"organisation_id":"org_1","previous":"{GENESIS}","request_id":"req_1","seq":1}}'
    )
    assert hash_of(ENTRY, GENESIS) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", [field.name for field in fields(Entry) if field.name != "hash"])
def test_every_field_counts(name: str) -> None:
    other = 2 if isinstance(getattr(ENTRY, name), int) else "other"
    assert hash_of(replace(ENTRY, **{name: other}), GENESIS) != hash_of(ENTRY, GENESIS)  # type: ignore[arg-type]


def test_the_hash_before_counts_and_the_own_does_not() -> None:
    assert hash_of(ENTRY, "1" * 64) != hash_of(ENTRY, GENESIS)
    assert hash_of(replace(ENTRY, hash="x"), GENESIS) == hash_of(ENTRY, GENESIS)


def test_nothing_and_an_empty_text_differ() -> None:
    assert hash_of(replace(ENTRY, organisation_id=None), GENESIS) != hash_of(
        replace(ENTRY, organisation_id=""), GENESIS
    )


def test_one_value_has_one_text() -> None:
    assert canonical({"b": 1, "a": ["å", None]}) == '{"a":["\\u00e5",null],"b":1}'
    assert canonical(None) is None
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": float("nan")})


@given(st.text(alphabet=st.characters(codec=None)))
def test_any_text_becomes_one_that_both_databases_hold(text: str) -> None:
    held = storable(text)
    assert "\0" not in held
    held.encode("utf-8")
    if "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text):
        assert held == text
