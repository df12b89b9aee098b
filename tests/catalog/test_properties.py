"""Whatever stands in the files: faults or a catalogue, never another exception."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.catalog.errors import CatalogFaults
from gateway.catalog.lint import lint
from gateway.catalog.load import load
from gateway.catalog.openapi import paths
from gateway.catalog.source import document
from tests.catalog.sample import OVERLAY, SOUND, write

FILES = {**SOUND, "overlay.sv.yaml": OVERLAY}
NAMES = st.sampled_from(sorted(FILES))

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
values = st.recursive(
    scalars | st.sampled_from(["$ref", "#/paths", "get", "/x", "3.1.0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
yamlish = st.text(alphabet="ab:-[]{}&*!|>?'\"# \n\t%@,.0~<=\u00e5\u2028\x85\ufeff\x00", max_size=60)


def load_with(name: str, content: bytes) -> None:
    """Raises only what is not a CatalogFaults."""
    with tempfile.TemporaryDirectory() as place:
        folder = write(Path(place) / "sample", {**FILES, name: content})
        with suppress(CatalogFaults):
            load([folder], {})
        assert all(fault.file.name in FILES for fault in lint(folder))


@given(NAMES, st.binary(max_size=200) | yamlish.map(str.encode))
@settings(max_examples=300, deadline=None)
def test_any_bytes(name: str, content: bytes) -> None:
    load_with(name, content)


@given(NAMES, st.data())
@settings(max_examples=200, deadline=None)
def test_a_file_cut_or_spoiled_anywhere(name: str, data: st.DataObject) -> None:
    content = FILES[name].encode()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    load_with(name, content[:start] + data.draw(yamlish).encode() + content[end:])


def _places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        found += [place for key, child in value.items() for place in _places(child, (*path, key))]
    elif isinstance(value, list):
        found += [place for key, child in enumerate(value) for place in _places(child, (*path, key))]
    return found


def _replaced(value: Any, path: tuple[Any, ...], new: object) -> Any:
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = _replaced(value[path[0]], path[1:], new)
    return copied


@given(NAMES, values, st.data())
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_in_any_place(name: str, new: object, data: st.DataObject) -> None:
    whole = document.parse(Path(name), FILES[name].encode()).value
    place = data.draw(st.sampled_from(_places(whole)))
    load_with(name, json.dumps(_replaced(whole, place, new)).encode())


@given(values)
def test_json_is_read_as_json(value: object) -> None:
    # Fractions beyond the range of a float and numbers beyond 2**53 are faults, not values.
    read = document.parse(Path("x"), json.dumps({"value": value}).encode())
    if not read.faults:
        assert read.value == {"value": value}


@given(yamlish)
def test_every_fault_has_a_place_in_the_file(text: str) -> None:
    lines = text.count("\n") + text.count("\x85") + text.count("\u2028") + 1
    for fault in document.parse(Path("x"), text.encode()).faults:
        assert 0 <= fault.line <= lines + 1


segments = st.sampled_from(["a", "b", "{x}", "{y}"])
templates = st.lists(segments, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))


def _fits(template: str, request: str) -> bool:
    pairs = zip(template.split("/"), request.split("/"), strict=True)
    return all(part == given or part.startswith("{") for part, given in pairs)


def _rank(template: str) -> tuple[bool, ...]:
    return tuple(part.startswith("{") for part in template.split("/"))


@given(templates, templates)
def test_templates_are_ambiguous_when_no_order_of_precedence_settles_it(one: str, other: str) -> None:
    """Against a second way to ask: try every request of the alphabet."""
    clash = bool(list(paths.ambiguous([one, other])))
    if one.count("/") != other.count("/"):
        assert not clash
        return
    requests = [""]
    for _ in range(one.count("/")):
        requests = [f"{request}/{part}" for request in requests for part in "abc"]
    both = any(_fits(one, request) and _fits(other, request) for request in requests)
    left, right = _rank(one), _rank(other)
    one_wins = left != right and all(a <= b for a, b in zip(left, right, strict=True))
    other_wins = left != right and all(b <= a for a, b in zip(left, right, strict=True))
    assert clash == (both and not one_wins and not other_wins)


@pytest.mark.parametrize(
    "path", ["/", "/a", "/a/{b}", "/Patient/$everything", "/.well-known/x", "/a:b", "/~a"]
)
def test_forms_that_are_taken(path: str) -> None:
    assert paths.fault_of(path) is None


@pytest.mark.parametrize(
    "path", ["//", "/a//b", "/a/", "/a;b", "/å", "/a b", "/{}", "/{a}{b}", "/a/.", "/a?b", "/a#b"]
)
def test_forms_that_are_not(path: str) -> None:
    assert paths.fault_of(path) is not None
