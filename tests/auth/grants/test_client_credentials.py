"""Which scopes a token gets: all that is asked for, or none (promises T22, Z6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.grants.scopes import granted
from auth.server.faults import InvalidScope

ALLOWED = frozenset({"a:read", "a:write", "b:read"})


@given(st.lists(st.sampled_from(sorted(ALLOWED)), min_size=1, max_size=6))
def test_what_is_allowed_is_given_as_asked(asked: list[str]) -> None:
    assert granted(" ".join(asked), ALLOWED) == frozenset(asked)


@given(st.text() | st.text("ab:readwit ", max_size=30))
def test_never_more_than_asked_nor_than_allowed(asked: str) -> None:
    try:
        given_scopes = granted(asked, ALLOWED)
    except InvalidScope:
        return
    assert given_scopes <= ALLOWED
    assert given_scopes == frozenset(asked.split(" "))


@given(
    st.lists(st.sampled_from(sorted(ALLOWED)), max_size=3),
    st.text(min_size=1).filter(lambda s: s not in ALLOWED),
)
def test_one_scope_too_many_refuses_all(asked: list[str], evil: str) -> None:
    if set(evil.split(" ")) <= ALLOWED:
        return
    with pytest.raises(InvalidScope):
        granted(" ".join([*asked, evil]), ALLOWED)


def test_without_scope_everything_allowed() -> None:
    assert granted(None, ALLOWED) == ALLOWED
    assert granted(None, frozenset()) == frozenset()
