"""The JSON reader: what it takes it takes as json does, what two readers could differ on it refuses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.errors import MalformedJson, TooLarge
from console.management.strict_json import MOST_DEPTH, collect, parse

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_takes_what_json_writes(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}{}",
        b"{}\x00",
        b"\xef\xbb\xbf{}",
        b"\xff{}",
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "\\u0061": 2}',
        b'[{"b": {"a": 1, "a": 1}}]',
        b"NaN",
        b'{"a": Infinity}',
        b"-Infinity",
        b"1e999",
        b"-1e999",
        b"9" * 65,
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b'["\\udc00\\ud800"]',
        b"'a'",
        b"{a: 1}",
        b"[1,]",
        b"// x\n1",
        b"01",
        b'"\x01"',
        b"[" * (MOST_DEPTH + 1) + b"]" * (MOST_DEPTH + 1),
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"[" * 200_000,
    ],
)
def test_refuses(body: bytes) -> None:
    with pytest.raises(MalformedJson):
        parse(body)


def test_brackets_in_strings_are_no_depth() -> None:
    text = '"' + "[{" * 1000 + '\\"' + "]" * 3 + '"'
    assert isinstance(parse(text.encode()), str)


@given(st.binary(max_size=60))
def test_never_anything_but_a_value_or_a_refusal(body: bytes) -> None:
    try:
        parse(body)
    except MalformedJson:
        return


async def test_the_limit_holds_while_the_body_arrives() -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b" " * 1000

    with pytest.raises(TooLarge):
        await collect(endless(), 10_000)
    assert taken == 11
