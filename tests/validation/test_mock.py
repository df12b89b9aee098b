"""The examples of a document answer where there is no service yet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.catalog.openapi.examples import CannotInvent, invented
from gateway.catalog.openapi.schemas import Direction, Schemas
from tests.line_support.scripted_upstream import Visit, echo
from tests.validation.judged_line import judged


async def test_the_first_good_answer(tmp_path: Path) -> None:
    async with judged(tmp_path, echo, "{}", mock=True) as line:
        answer = await line.ask("GET /sample/v1/things")
        assert (answer.status, json.loads(answer.body)) == (200, [{"id": "1", "name": "Ett"}])
        assert answer.values("sluss-mock") == ["true"]
        assert (answer.field("content-type"), answer.field("vary")) == ("application/json", "Accept, Prefer")
        assert answer.field("ratelimit")
        assert len(answer.values("request-id")) == 1
        assert line.upstream.visits == 0


async def test_it_is_counted_like_any_call(tmp_path: Path) -> None:
    async with judged(tmp_path, echo, "{}", mock=True) as line:
        await line.ask("GET /sample/v1/things")
        assert line.stand.counters.said == ["take 1", "keep"]
        assert [(record.status, record.outcome) for record in line.stand.records] == [(200, "served")]


@pytest.mark.parametrize(
    ("prefer", "status", "body", "applied"),
    [
        ("example=none", 200, [], "example=none"),
        ('status=200; foo, example="none"', 200, [], "status=200, example=none"),
        ("status=404", 404, {"status": 404}, "status=404"),
        ("Status=404, status=200", 404, {"status": 404}, "status=404"),
        ("status=418", 200, [{"id": "1", "name": "Ett"}], None),
        ("example=unknown", 200, [{"id": "1", "name": "Ett"}], None),
        ("respond-async, wait=10", 200, [{"id": "1", "name": "Ett"}], None),
        ("status=404\t;;=", 404, {"status": 404}, "status=404"),
    ],
)
async def test_prefer_chooses(
    tmp_path: Path, prefer: str, status: int, body: object, applied: str | None
) -> None:
    """RFC 7240: a wish that is met is named in Preference-Applied, another is left aside."""
    async with judged(tmp_path, echo, "{}", mock=True) as line:
        answer = await line.ask("GET /sample/v1/things", None, f"Prefer: {prefer}")
        assert (answer.status, json.loads(answer.body)) == (status, body)
        assert answer.field("preference-applied") == applied


async def test_without_an_example_the_schema_gives_one(tmp_path: Path) -> None:
    async with judged(tmp_path, echo, "{}", mock=True) as line:
        answer = await line.post({"name": "Ett"})
        assert (answer.status, json.loads(answer.body)) == (201, {"name": "text", "id": "text"})
        assert answer.field("location") == "/things/1"
        nothing = await line.ask("GET /sample/v1/things/7")
        assert (nothing.status, nothing.body, nothing.field("sluss-mock")) == (204, b"", "true")


async def test_head_and_pipelining(tmp_path: Path) -> None:
    async with judged(tmp_path, echo, "{}", mock=True) as line:
        head = await line.ask("HEAD /sample/v1/things")
        assert (head.status, head.body, head.field("content-length")) == (200, b"", "25")
        line.client.send(line.head("GET /sample/v1/things") * 3)
        assert [(await line.client.answer()).status for _ in range(3)] == [200] * 3


async def test_requests_are_strict_whatever_the_mode(tmp_path: Path) -> None:
    async with judged(tmp_path, echo, "{request: 'off'}", mock=True) as line:
        assert (await line.ask("GET /sample/v1/things?page=0")).status == 400
        assert (await line.post({"name": 1})).status == 400
        assert (await line.ask("GET /sample/v1/things", None, "Accept: text/html")).status == 406


async def claiming(visit: Visit) -> None:
    await visit.request()
    await visit.send(b"HTTP/1.1 200 OK\r\nSluss-Mock: true\r\nContent-Length: 2\r\n\r\nok")


async def test_nobody_but_the_gateway_says_sluss_mock(tmp_path: Path) -> None:
    async with judged(tmp_path, claiming, "{}") as line:
        answer = await line.post({"name": "Ett"}, "Sluss-Mock: true", "SLUSS-MOCK: true", "Sluss_Mock: true")
        assert (answer.status, answer.field("sluss-mock")) == (200, None)
        assert b"mock" not in line.upstream.arrived[0].head.lower()


SCHEMAS: dict[str, object] = {
    "Node": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "next": {"$ref": "#/components/schemas/Node"}},
    },
    "Endless": {
        "type": "object",
        "required": ["next"],
        "properties": {"next": {"$ref": "#/components/schemas/Endless"}},
    },
}
DOCUMENT: dict[str, object] = {"openapi": "3.1.0", "paths": {}, "components": {"schemas": SCHEMAS}}


FORMATS = (
    "date",
    "date-time",
    "time",
    "uuid",
    "email",
    "uri",
    "ipv4",
    "ipv6",
    "hostname",
    "duration",
    "byte",
)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 30},
        {"type": "string", "maxLength": 2},
        *({"type": "string", "format": name} for name in FORMATS),
        {"type": "integer", "minimum": 7},
        {"type": "integer", "exclusiveMinimum": 7},
        {"type": "integer", "maximum": -3},
        {"type": "number", "exclusiveMaximum": 0},
        {"type": "integer", "multipleOf": 7, "minimum": 8},
        {"type": "number", "multipleOf": 0.5},
        {"type": "boolean"},
        {"type": "null"},
        {"type": ["null", "integer"]},
        {"const": {"a": 1}},
        {"enum": ["b", "a"]},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3},
        {"type": "array"},
        {"$ref": "#/components/schemas/Node"},
        {
            "allOf": [
                {"$ref": "#/components/schemas/Node"},
                {"required": ["more"], "properties": {"more": {"const": 3}}},
            ]
        },
        {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Node"}]},
        {"anyOf": [{"type": "string", "format": "date"}, {"type": "integer"}]},
        {
            "type": "object",
            "required": ["a", "free"],
            "properties": {
                "a": {
                    "type": "object",
                    "required": ["b"],
                    "properties": {"b": {"type": "array", "items": {"type": "boolean"}}},
                }
            },
        },
        {"type": "string", "default": "standard"},
        {"type": "string", "examples": ["shown"]},
        {},
    ],
    ids=str,
)
def test_what_is_made_up_fits_its_schema_and_is_always_the_same(schema: dict[str, object]) -> None:
    document = {**DOCUMENT, "components": {"schemas": {**SCHEMAS, "It": schema}}}
    value = invented(schema, document)
    assert Schemas(document, Direction.RESPONSE).validator("/components/schemas/It").is_valid(value)
    assert invented(schema, document) == value


def test_what_cannot_be_made_up_is_said() -> None:
    for schema in (
        False,
        {"$ref": "#/components/schemas/Endless"},
        {"type": "array", "minItems": 10**9},
        {"type": "string", "minLength": 10**9},
    ):
        with pytest.raises(CannotInvent):
            invented(schema, DOCUMENT)
