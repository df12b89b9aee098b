"""The whole line on a real socket, in front of a scripted upstream, with one API that is held against its document."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gateway.catalog import load
from gateway.edge.limits import EdgeLimits
from gateway.edge.server import EdgeServer
from storage.subscriptions import Subscription
from tests.catalog import sample
from tests.gateway.line_of_one import Stand, rows, standing
from tests.line_support.raw_client import RawAnswer, RawClient, raw_client
from tests.line_support.running_edge import render
from tests.line_support.scripted_upstream import Script, ScriptedUpstream, scripted_upstream

THING = {
    "type": "object",
    "required": ["name", "id"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "readOnly": True},
        "name": {"type": "string", "minLength": 2, "maxLength": 20},
        "count": {"type": "integer", "format": "int32"},
        "day": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 5},
        "children": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
        "shape": {
            "oneOf": [{"$ref": "#/components/schemas/Round"}, {"$ref": "#/components/schemas/Square"}],
            "discriminator": {"propertyName": "kind"},
        },
        "code": {"type": "string", "pattern": "^(?=a)(a|aa)+(?!b)$"},
    },
}
SCHEMAS: dict[str, Any] = {
    "Thing": THING,
    "Wish": {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "minLength": 2},
            "count": {"type": "integer", "minimum": 1},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
            "shape": {"$ref": "#/components/schemas/Round"},
        },
    },
    "Round": {
        "type": "object",
        "required": ["kind", "radius"],
        "properties": {"kind": {"const": "Round"}, "radius": {"type": "number", "exclusiveMinimum": 0}},
    },
    "Square": {
        "type": "object",
        "required": ["kind", "side"],
        "properties": {"kind": {"const": "Square"}, "side": {"type": "number"}},
    },
}
PATHS: dict[str, Any] = {
    "/things": {
        "get": {
            "operationId": "listThings",
            "summary": "List",
            "parameters": [
                {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}},
                {"name": "tag", "in": "query", "schema": {"type": "array", "items": {"type": "integer"}}},
                {"name": "X-Wish", "in": "header", "schema": {"enum": ["a", "b"]}},
            ],
            "responses": {
                "200": {
                    "description": "Things",
                    "headers": {"X-Total": {"required": True, "schema": {"type": "integer"}}},
                    "content": {
                        "application/json": {
                            "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
                            "examples": {
                                "one": {"value": [{"id": "1", "name": "Ett"}]},
                                "none": {"value": []},
                            },
                        }
                    },
                },
                "404": {
                    "description": "None",
                    "content": {"application/problem+json": {"example": {"status": 404}}},
                },
            },
        },
        "post": {
            "operationId": "createThing",
            "summary": "Create",
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}},
                    "application/octet-stream": {},
                },
            },
            "responses": {
                "201": {
                    "description": "Made",
                    "headers": {"Location": {"schema": {"type": "string"}, "example": "/things/1"}},
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                }
            },
        },
    },
    "/forms": {
        "post": {
            "operationId": "sendForm",
            "summary": "Send",
            "requestBody": {
                "required": True,
                "content": {
                    "application/x-www-form-urlencoded": {
                        "schema": {"allOf": [{"$ref": "#/components/schemas/Wish"}]}
                    },
                    "multipart/form-data": {
                        "schema": {
                            "type": "object",
                            "required": ["name", "picture"],
                            "additionalProperties": False,
                            "properties": {
                                "name": {"type": "string", "minLength": 2},
                                "count": {"type": "integer", "minimum": 1},
                                "shape": {"$ref": "#/components/schemas/Round"},
                                "picture": {"type": "string", "format": "binary", "minLength": 1},
                                "notes": {"type": "array", "items": {"type": "string", "format": "binary"}},
                            },
                        },
                        "encoding": {"picture": {"contentType": "image/png, image/jpeg"}},
                    },
                },
            },
            "responses": {"200": {"description": "Sent"}},
        }
    },
    "/things/{number}": {
        "get": {
            "operationId": "readThing",
            "summary": "Read",
            "parameters": [{"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "responses": {"204": {"description": "Nothing"}},
        },
    },
}


def files(
    upstream: str = "http://127.0.0.1:9", validation: str = "{}", *, extra: str = "", openapi: str = "3.1.0"
) -> dict[str, str | bytes]:
    """The sample publication with the operations above. `upstream` may be `mock`."""
    document = yaml.safe_load(sample.OPENAPI)
    document["openapi"] = openapi
    document["paths"] = PATHS
    document["components"]["schemas"] |= SCHEMAS
    places = "mock" if upstream == "mock" else f"[{{url: {upstream}}}]"
    api = yaml.safe_load(sample.API) | {"plans": ["free"]}
    api["upstreams"] = {"sandbox": yaml.safe_load(places)}
    api["validation"] = yaml.safe_load(validation)
    api["limits"] = {"body": 1_000_000}
    api.pop("weights")
    api |= yaml.safe_load(extra) or {}
    plans = sample.PLANS.replace(
        "rate: { requests: 5, seconds: 1, burst: 10 }", "rate: { requests: 500, seconds: 3600, burst: 500 }"
    )
    return {
        "api.yaml": json.dumps(api, default=str),
        "openapi.yaml": json.dumps(document),
        "plans.yaml": plans,
    }


@dataclass
class Judged:
    stand: Stand
    upstream: ScriptedUpstream
    client: RawClient
    server: EdgeServer
    port: int

    def head(self, line: str, *fields: str) -> bytes:
        token = self.stand.token(scope="sample:read")
        lines = [f"{line} HTTP/1.1", "Host: localhost:8080", f"Authorization: {token}", *fields, "", ""]
        return "\r\n".join(lines).encode()

    async def ask(self, line: str, body: bytes | None = None, *fields: str) -> RawAnswer:
        more = [*fields]
        if body is not None:
            more.append(f"Content-Length: {len(body)}")
            if not any(field.lower().startswith("content-type") for field in fields):
                more.append("Content-Type: application/json")
        method = line.split(" ", maxsplit=1)[0]
        return await self.client.ask(self.head(line, *more) + (body or b""), method)

    async def post(self, value: object, *fields: str) -> RawAnswer:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return await self.ask("POST /sample/v1/things", body, *fields)

    def faults(self, answer: RawAnswer) -> list[tuple[str, str, str]]:
        """Where, name or pointer, code."""
        return [
            (each["in"], each.get("name", "") + each.get("pointer", ""), each["code"])
            for each in json.loads(answer.body)["errors"]
        ]

    def counted(self, direction: str = "request") -> dict[str, int]:
        counts = self.stand.tally.counts.items()
        return {part: count for (_, _, way, part), count in counts if way == direction}


@asynccontextmanager
async def judged(
    folder: Path,
    script: Script,
    validation: str = "{request: enforce}",
    *,
    mock: bool = False,
    extra: str = "",
) -> AsyncIterator[Judged]:
    async with (
        scripted_upstream(script) as upstream,
        standing(folder / "counters", ("127.0.0.0/8",)) as stand,
    ):
        written = files("mock" if mock else upstream.url, validation, extra=extra)
        catalog = load.load([sample.write(folder / "catalog", written)], {})
        known = Subscription("sub_1", "org_1", "app_1", "sample/v1", "free", 1, "active", 0, 0)
        stand.use(rows(stand.mint, subscription=known), catalog)
        server = EdgeServer(stand.line, render, EdgeLimits(), ("127.0.0.0/8",))
        port = await server.start("127.0.0.1", 0)
        try:
            async with raw_client(port) as client:
                yield Judged(stand, upstream, client, server, port)
        finally:
            stand.close()
            await server.drain(0.0)
