"""What a document must hold to be held against calls: each fault is told with its line, before publication."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.catalog.errors import Severity
from gateway.catalog.lint import lint
from tests.catalog import sample


def told(
    folder: Path, path: str, value: Any, *, upstream: str = "", validation: str = "{ request: enforce }"
) -> list[str]:
    """Faults and warnings about the sample with one more operation, `path` leading to what is set in it."""
    document = yaml.safe_load(sample.OPENAPI)
    operation: dict[str, Any] = {
        "operationId": "more",
        "summary": "More",
        "description": "More.",
        "parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}],
        "requestBody": {"content": {"application/json": {"schema": {"type": "object"}, "example": {}}}},
        "responses": {
            "201": {
                "description": "Made",
                "content": {"application/json": {"schema": {"type": "integer"}, "example": 1}},
            }
        },
    }
    way = [step.replace("json", "application/json") for step in path.split(".")] if path else []
    node: Any = operation
    for step in way[:-1]:
        node = node[int(step)] if isinstance(node, list) else node[step]
    if way:
        node[int(way[-1]) if isinstance(node, list) else way[-1]] = value
    document["paths"]["/more"] = {"post": operation}
    api = sample.API + f"validation: {validation}\n"
    if upstream:
        api = api.replace("    - url: http://127.0.0.1:9999/base\n", "").replace(
            "  sandbox:\n", f"  sandbox: {upstream}\n"
        )
    files = {"api.yaml": api, "openapi.yaml": json.dumps(document), "plans.yaml": sample.PLANS}
    return [
        ("" if fault.severity is Severity.ERROR else "warning: ") + fault.message
        for fault in lint(sample.write(folder, files))
        if fault.severity is Severity.ERROR or not fault.rule
    ]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("parameters.0", {"in": "query"}, 'more, parameter: it: "name" is a required property'),
        ("parameters.0.in", "body", "more, parameter 'q': in: \"body\" is not one of"),
        ("parameters.0.style", "simple", "'q' in query cannot have the style simple; use deepObject, form"),
        (
            "parameters.0",
            {"name": "q", "in": "header", "style": "form"},
            "'q' in header cannot have the style form; use simple",
        ),
        ("parameters.0.schema", [], "more, parameter 'q': schema: [] is not of types"),
        ("parameters.0.schema.type", "strin", "no validator can be made of this schema"),
        ("parameters.0.schema.pattern", "(", "no validator can be made of this schema"),
        (
            "parameters.0",
            {"name": "q", "in": "query", "content": {"a/b": {}, "c/d": {}}},
            "more, parameter 'q': content",
        ),
        ("requestBody.content", [], "more, request body: content: [] is not of type"),
        (
            "requestBody.content.json.schema",
            7,
            "more, request body: content/application/json/schema: 7 is not",
        ),
        ("requestBody.content.json.schema.required", [{}], "no validator can be made of this schema"),
        ("responses.201.headers", [], "more, response: headers: [] is not of type"),
        ("responses.201.headers", {"X": {"schema": 1}}, "more, header: schema: 1 is not"),
        (
            "responses.201.content.json.examples",
            {"a": 1},
            "more, response: content/application/json/examples/a: 1 is not",
        ),
        (
            "parameters.0",
            {"name": "q", "in": "cookie", "schema": {}},
            "warning: more: 'q' is a cookie, and cookies never reach",
        ),
    ],
)
def test_what_cannot_be_judged_is_told(tmp_path: Path, path: str, value: object, message: str) -> None:
    [found] = told(tmp_path, path, value)
    assert message in found


def test_nothing_is_asked_where_nothing_is_judged(tmp_path: Path) -> None:
    assert told(tmp_path, "", None) == []
    assert told(tmp_path, "parameters.0.schema.type", "strin", validation="{}") == []


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "responses.201.content.json",
            {"schema": {"type": "string", "pattern": "^x$"}},
            "more: no example of a good answer",
        ),
        ("responses", {"400": {"description": "Bad"}}, "more: no example of a good answer"),
        ("responses.201.content.json.example", "one", "more 201: the example '' breaks its own schema"),
        ("responses.201.content.json", {"schema": {"type": "integer"}}, ""),
        ("responses", {"204": {"description": "Done"}}, ""),
    ],
)
def test_a_mock_needs_examples(tmp_path: Path, path: str, value: object, message: str) -> None:
    found = [
        each for each in told(tmp_path, path, value, upstream="mock") if each.startswith("warning: more")
    ]
    assert len(found) == bool(message)
    assert not found or message in found[0]


def test_only_the_sandbox_can_be_a_mock(tmp_path: Path) -> None:
    files = sample.changed("api.yaml", "    - url: ${SLUSS_UPSTREAM_SAMPLE:-http://127.0.0.1:9998}\n", "")
    files["api.yaml"] = files["api.yaml"].replace("  production:\n", "  production: mock\n")
    assert any(fault.severity is Severity.ERROR for fault in lint(sample.write(tmp_path, files)))
    files["api.yaml"] = files["api.yaml"].replace("  production: mock\n", "")
    files["api.yaml"] = files["api.yaml"].replace(
        "  sandbox:\n    - url: http://127.0.0.1:9999/base\n", "  sandbox: mocked\n"
    )
    [fault] = [each for each in lint(sample.write(tmp_path, files)) if each.severity is Severity.ERROR]
    assert "The word mock, or a list of services" in fault.message
