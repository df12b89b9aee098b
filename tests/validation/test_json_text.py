"""The reading of JSON is bounded by its size, whatever the text."""

from __future__ import annotations

import pytest

from gateway.validation import json_text

STEPS = 60_000
"""Tried anew from each quotation mark, either text takes minutes."""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"[" * 70 + b'\\"' * STEPS, "too-deep"),
        (b"[" * 70 + b'"' + b"\\\\" * STEPS + b"\\", "too-deep"),
        (b'["' + b"[" * 70 + b'\\"' * STEPS, "not-json"),
        (b'["a\\\\",' + b"[" * 70 + b"]" * 71, "too-deep"),
    ],
)
def test_a_text_without_end_is_read_once(text: bytes, code: str) -> None:
    with pytest.raises(json_text.JsonFault) as fault:
        json_text.read(text, json_text.Bounds())
    assert fault.value.code == code


@pytest.mark.parametrize("text", [b'["' + b"[" * 70 + b'"]', b'["' + b'\\"[{' * 70 + b'"]'])
def test_brackets_in_texts_are_no_depth(text: bytes) -> None:
    assert json_text.read(text, json_text.Bounds())
