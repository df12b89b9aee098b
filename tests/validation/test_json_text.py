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
        (b'["' + b"[" * 70 + b'"]', ""),
        (b'["' + b'\\"[{' * 70 + b'"]', ""),
        (b'["a\\\\",' + b"[" * 70 + b"]" * 71, "too-deep"),
    ],
)
def test_brackets_count_outside_texts_and_a_text_without_end_is_read_once(text: bytes, code: str) -> None:
    try:
        json_text.read(text, json_text.Bounds())
    except json_text.JsonFault as fault:
        assert fault.code == code
    else:
        assert not code
