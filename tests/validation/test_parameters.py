"""Parameters in every notation OpenAPI has: what is read, what is refused, and that clients' own writing is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.openapi.schemas import Direction, Schemas
from gateway.validation.parameters import Parameters, compiled

INTEGERS = {"type": "array", "items": {"type": "integer"}, "maxItems": 3}
COLOUR = {
    "type": "object",
    "additionalProperties": False,
    "required": ["R"],
    "properties": {
        "R": {"type": "integer"},
        "G": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}


def parameters(
    *listed: Mapping[str, Any], path: str = "/a", openapi: str = "3.1.0", unknown: bool = True
) -> Parameters:
    document = {
        "openapi": openapi,
        "paths": {path: {"get": {"parameters": list(listed), "responses": {}}}},
        "components": {"schemas": {"Number": {"type": "integer", "minimum": 3}}},
    }
    return Parameters(
        compiled(Schemas(document, Direction.REQUEST), path, "get"), path, refuse_unknown=unknown
    )


def faults(
    known: Parameters,
    path: str = "/a",
    query: str = "",
    headers: Sequence[tuple[str, str]] = (),
    cookie: str = "",
) -> list[str]:
    def values(name: bytes) -> list[bytes]:
        return [value.encode() for key, value in headers if key.lower().encode() == name]

    cookies = [b"Cookie: " + cookie.encode()] if cookie else []
    found = known.faults(path, query.encode(), values, cookies)
    return [f"{fault.place} {fault.name}{fault.pointer} {fault.code}" for fault in found]


def query(schema: Mapping[str, Any], **more: Any) -> Parameters:
    return parameters({"name": "q", "in": "query", "schema": schema, **more})


@pytest.mark.parametrize(
    ("schema", "text", "wrong"),
    [
        ({"type": "integer"}, "5", ""),
        ({"type": "integer"}, "-0", ""),
        ({"type": "integer"}, "05", "type"),
        ({"type": "integer"}, "%2B5", "type"),
        ({"type": "integer"}, "5.0", "type"),
        ({"type": "integer"}, "1e2", "type"),
        ({"type": "integer"}, "0x5", "type"),
        ({"type": "integer"}, "1_0", "type"),
        ({"type": "integer"}, "%D9%A5", "type"),
        ({"type": "integer"}, "", "type"),
        ({"type": "integer", "format": "int32"}, "2147483648", "maximum"),
        ({"type": "integer"}, "9" * 308, ""),
        ({"type": "integer"}, "9" * 400, "type"),
        ({"type": "number"}, "1.5e3", ""),
        ({"type": "number"}, "7", ""),
        ({"type": "number"}, "1e999", "type"),
        ({"type": "number"}, "NaN", "type"),
        ({"type": "boolean"}, "true", ""),
        ({"type": "boolean"}, "True", "type"),
        ({"type": "boolean"}, "1", "type"),
        ({"type": "string"}, "5", ""),
        ({"type": ["integer", "null"]}, "null", ""),
        ({"anyOf": [{"type": "integer", "minimum": 10}, {"enum": ["all"]}]}, "all", ""),
        ({"anyOf": [{"type": "integer", "minimum": 10}, {"type": "string", "maxLength": 1}]}, "5", ""),
        ({"$ref": "#/components/schemas/Number"}, "4", ""),
        ({"$ref": "#/components/schemas/Number"}, "2", "minimum"),
        ({"allOf": [{"$ref": "#/components/schemas/Number"}, {"maximum": 5}]}, "6", "maximum"),
        ({"enum": [1, 2]}, "2", ""),
        ({"const": True}, "true", ""),
        ({"type": "string", "format": "uuid"}, "123e4567-e89b-12d3-a456-426614174000", ""),
        ({"type": "string", "format": "uuid"}, "123e4567", "format"),
        ({"type": "string", "format": "email"}, "a%40b.se", ""),
        ({"type": "string", "format": "email"}, "%22A%22 <a%40b.se>", "format"),
        ({"type": "string", "format": "date-time"}, "2026-01-15T08:00:00%2B01:00", ""),
        ({"type": "string", "format": "date-time"}, "2026-01-15T08:00:00+01:00", "format"),  # a plus is a blank
        ({"type": "string", "format": "uri"}, "https://example.com/", ""),
        ({"type": "string", "format": "uri"}, "example", "format"),
        ({"type": "string", "maxLength": 3}, "%C3%A5%C3%A4%C3%B6", ""),
        ({"type": "string"}, "%FF", "not-utf8"),
        ({}, "anything", ""),
        (True, "anything", ""),
    ],
)  # fmt: skip
def test_texts_are_read_by_type(schema: Any, text: str, wrong: str) -> None:
    assert [each.split(" ")[-1] for each in faults(query(schema), query=f"q={text}")] == [wrong] * bool(wrong)


FORM = {"style": "form", "explode": False}
PIPE = {"style": "pipeDelimited", "explode": False}
SPACE = {"style": "spaceDelimited", "explode": False}
DEEP = {"style": "deepObject", "explode": True}


@pytest.mark.parametrize(
    ("schema", "style", "text", "wrong"),
    [
        (INTEGERS, {}, "q=1&q=2", []),
        (INTEGERS, {}, "q=1", []),
        (INTEGERS, {}, "q=1&q=x", ["query q/1 type"]),
        (INTEGERS, {}, "q=1&q=2&q=3&q=4", ["query q max-items"]),
        (INTEGERS, {}, "q=1,2", ["query q/0 type"]),
        (INTEGERS, FORM, "q=1,2", []),
        (INTEGERS, FORM, "q=1%2C2", []),
        (INTEGERS, FORM, "q=1,x", ["query q/1 type"]),
        (INTEGERS, FORM, "q=1&q=2", ["query q repeated-parameter"]),
        (INTEGERS, PIPE, "q=1%7C2", []),
        (INTEGERS, SPACE, "q=1%202", []),
        (INTEGERS, SPACE, "q=1+2", []),
        (COLOUR, FORM, "q=R,1,G,2", []),
        (COLOUR, FORM, "q=R,1,G", ["query q malformed-parameter"]),
        (COLOUR, FORM, "q=R,1,R,2", ["query q malformed-parameter"]),
        (COLOUR, {}, "R=1&G=2", []),
        (COLOUR, {}, "R=1&B=2", ["query B unknown-parameter"]),
        (COLOUR, {}, "G=1", ["query q/R required"]),
        (COLOUR, DEEP, "q[R]=1&q[G]=2", []),
        (COLOUR, DEEP, "q%5BR%5D=1&q%5Btags%5D=a&q%5Btags%5D=b", []),
        (COLOUR, DEEP, "q[R]=x", ["query q/R type"]),
        (COLOUR, DEEP, "q[B]=1", ["query q/R required", "query q/B unknown-name"]),
        (COLOUR, DEEP, "q[R]=1&q[R]=2", ["query q malformed-parameter"]),
        (COLOUR, DEEP, "q[R][x]=1", ["query q malformed-parameter"]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {}, "a=1&b=2", []),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {}, "a=x", ["query q/a type"]),
        ({"anyOf": [{"type": "string"}, INTEGERS]}, {}, "q=1&q=2", []),
        ({"anyOf": [{"type": "string"}, INTEGERS]}, {}, "q=x", []),
    ],
)  # fmt: skip
def test_styles_of_a_query(schema: Any, style: Mapping[str, Any], text: str, wrong: list[str]) -> None:
    assert sorted(faults(query(schema, **style), query=text)) == sorted(wrong)


def test_what_is_missing_unknown_or_empty() -> None:
    known = parameters(
        {"name": "a", "in": "query", "required": True, "schema": {"type": "integer"}},
        {"name": "b", "in": "query", "required": True, "style": "deepObject", "schema": COLOUR},
        {"name": "c", "in": "query", "allowEmptyValue": True, "schema": {"type": "integer"}},
    )
    assert faults(known) == ["query a required", "query b required"]
    assert faults(known, query="a=1&b[R]=1&c") == []
    assert faults(known, query="a=1&b[R]=1&d=1&d=2&e") == [
        "query d unknown-parameter",
        "query e unknown-parameter",
    ]
    lenient = parameters({"name": "a", "in": "query", "schema": {"type": "integer"}}, unknown=False)
    assert faults(lenient, query="x=1&a=2") == []
    assert faults(lenient, query="x=1&a=2&a=2") == ["query a repeated-parameter"]


@pytest.mark.parametrize(
    ("schema", "style", "explode", "text", "wrong"),
    [
        ({"type": "integer"}, "simple", False, "5", ""),
        ({"type": "integer"}, "simple", False, "x", "type"),
        ({"type": "string", "maxLength": 2}, "simple", False, "%C3%A5a", ""),
        ({"type": "string"}, "simple", False, "a+b", ""),
        ({"const": "a+b"}, "simple", False, "a+b", ""),  # a plus is a plus outside the query
        (INTEGERS, "simple", False, "1,2", ""),
        (COLOUR, "simple", False, "R,1", ""),
        (COLOUR, "simple", True, "R=1,G=2", ""),
        ({"type": "integer"}, "label", False, ".5", ""),
        ({"type": "integer"}, "label", False, "5", "malformed-parameter"),
        (INTEGERS, "label", True, ".1.2", ""),
        (INTEGERS, "label", False, ".1,2", ""),
    ],
)
def test_styles_of_a_path(schema: Any, style: str, explode: bool, text: str, wrong: str) -> None:
    known = parameters(
        {"name": "p", "in": "path", "required": True, "style": style, "explode": explode, "schema": schema},
        path="/a/{p}/b",
    )
    assert [each.split(" ")[-1] for each in faults(known, f"/a/{text}/b")] == [wrong] * bool(wrong)


def test_headers_and_cookies() -> None:
    known = parameters(
        {"name": "X-Ids", "in": "header", "schema": INTEGERS},
        {"name": "X-One", "in": "header", "required": True, "schema": {"type": "integer"}},
        {"name": "Authorization", "in": "header", "required": True, "schema": {"type": "integer"}},
        {"name": "session", "in": "cookie", "required": True, "schema": {"type": "string", "minLength": 2}},
    )
    assert faults(known) == ["header X-One required", "cookie session required"]
    good = [("x-ids", "1, 2"), ("X-Ids", "3"), ("x-one", "7")]
    assert faults(known, headers=good, cookie="a=b; session=xy") == []
    assert faults(known, headers=[("x-ids", "1,x"), ("x-one", "1"), ("X-One", "1")], cookie="session=x") == [
        "header X-Ids/1 type",
        "header X-One repeated-parameter",
        "cookie session min-length",
    ]


def test_a_parameter_that_is_json() -> None:
    known = parameters({"name": "f", "in": "query", "content": {"application/json": {"schema": COLOUR}}})
    assert faults(known, query="f=%7B%22R%22%3A1%7D") == []
    assert faults(known, query="f=%7B%22R%22%3A%22x%22%7D") == ["query f/R type"]
    assert faults(known, query="f=%7B%22R%22%3A1%2C%22R%22%3A2%7D") == ["query f repeated-name"]
    assert faults(known, query="f=" + "%5B" * 900 + "%5D" * 900) == ["query f too-deep"]


def test_openapi_3_0_is_read_as_it_means() -> None:
    old = parameters(
        {
            "name": "a",
            "in": "query",
            "schema": {"type": "integer", "nullable": True, "minimum": 1, "exclusiveMinimum": True},
        },
        {"name": "b", "in": "query", "schema": {"$ref": "#/components/schemas/Number", "maximum": 3}},
        openapi="3.0.3",
    )
    assert faults(old, query="a=null&b=9") == []  # beside a reference nothing counts
    assert faults(old, query="a=1&b=2") == ["query a exclusive-minimum", "query b minimum"]


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@given(
    number=st.integers(-(2**70), 2**70),
    real=st.floats(allow_nan=False, allow_infinity=False),
    words=st.lists(NAMES, max_size=5),
    flag=st.booleans(),
)
def test_what_a_client_library_writes_is_taken(
    number: int, real: float, words: list[str], flag: bool
) -> None:
    """httpx writes numbers, truth values, any text and repeated lists; each passes as its own type."""
    known = parameters(
        {"name": "number", "in": "query", "required": True, "schema": {"type": "integer"}},
        {"name": "real", "in": "query", "required": True, "schema": {"type": "number"}},
        {
            "name": "word",
            "in": "query",
            "schema": {
                "type": "array",
                "items": {"type": "string"},
                "minItems": len(words),
                "maxItems": len(words),
            },
        },
        {"name": "flag", "in": "query", "required": True, "schema": {"const": flag}},
    )
    written = httpx.QueryParams({"number": number, "real": real, "word": words, "flag": flag})
    assert faults(known, query=str(written)) == []


@given(text=NAMES)
def test_any_text_in_a_path_is_taken_as_written(text: str) -> None:
    known = parameters(
        {"name": "p", "in": "path", "required": True, "schema": {"const": text}}, path="/a/{p}"
    )
    assert faults(known, "/a/" + quote(text, safe="")) == []


@given(query_text=st.text(max_size=40), path=st.text(max_size=10))
def test_nothing_a_client_writes_makes_the_reader_fail(query_text: str, path: str) -> None:
    known = parameters(
        {"name": "p", "in": "path", "required": True, "schema": INTEGERS},
        {"name": "q", "in": "query", "schema": COLOUR},
        {"name": "d", "in": "query", "style": "deepObject", "schema": COLOUR},
        {"name": "f", "in": "query", "content": {"application/json": {}}},
        path="/a/{p}",
    )
    text = query_text.encode("latin-1", "replace").decode("latin-1")
    faults(known, "/a/" + path.replace("/", ""), text)
