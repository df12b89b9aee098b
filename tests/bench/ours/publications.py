"""A catalogue of any number of routes: publications of some paths each, all to the same upstream.

YAML takes JSON, so the files are written as JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.bench.candidate import API

PLAN = "bench"
PLAN_VERSION = 1
UPSTREAM_VARIABLE = "SLUSS_UPSTREAM_BENCH"
# The schema's largest: every check is made and none refuses.
MOST_PER_SECOND = 1_000_000
MOST_UNITS = 1_000_000_000_000
MOST_BODY = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Size:
    """Numbers of publications and of paths in each. The one that is called is among them, in the middle."""

    publications: int = 200
    paths: int = 1

    @property
    def routes(self) -> int:
        return self.publications * self.paths

    @property
    def ids(self) -> list[str]:
        """With one publication it is the one that is called; with 200 that is the hundredth."""
        called = int(API.removeprefix("bench-"))
        first = called - self.publications // 2
        return [f"bench-{first + number}" for number in range(self.publications)]


def api_key(api: str) -> str:
    return f"{api}/v1"


def scope(api: str) -> str:
    return f"{api}:read"


def _both(text: str) -> dict[str, str]:
    return {"sv": text, "en": text}


def _publication(api: str) -> dict[str, object]:
    return {
        "id": api,
        "name": _both(api),
        "summary": _both("Answers the bench."),
        "status": "active",
        "released": "2026-01-01",
        "upstreams": {"sandbox": [{"url": "${" + UPSTREAM_VARIABLE + "}"}]},
        "plans": [PLAN],
        "limits": {"body": MOST_BODY},
        "contacts": [{"role": "owner", "name": "Bench", "email": "bench@example.org"}],
        "terms": {"legal": _both("None."), "economic": _both("None."), "technical": _both("None.")},
        "serviceLevel": _both("None."),
    }


def _operation(name: str, body: bool) -> dict[str, object]:
    operation: dict[str, object] = {
        "operationId": name,
        "summary": "One unit",
        "parameters": [{"name": "unitId", "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": {"200": {"description": "The unit"}},
    }
    if body:
        operation["requestBody"] = {"content": {"application/octet-stream": {}}}
    return operation


def _path(number: int) -> str:
    return "/units/{unitId}" if number == 0 else f"/units{number}/{{unitId}}"


def _document(api: str, paths: int) -> dict[str, object]:
    operations = {_path(number): {"get": _operation(f"getUnit{number}", False)} for number in range(paths)}
    if api == API:
        operations[_path(0)]["post"] = _operation("postUnit", True)
    flow = {"tokenUrl": "/oauth2/token", "scopes": {scope(api): "Read units"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": api, "version": "1.0.0", "description": "For the bench."},
        "servers": [{"url": f"/{api}/v1"}],
        "security": [{"oauth2": [scope(api)]}],
        "paths": operations,
        "components": {
            "securitySchemes": {"oauth2": {"type": "oauth2", "flows": {"clientCredentials": flow}}}
        },
    }


def _plans() -> dict[str, object]:
    plan = {
        "id": PLAN,
        "version": PLAN_VERSION,
        "name": _both("Bench"),
        "summary": _both("Checks everything and refuses nothing."),
        "fee": 0,
        "rate": {"requests": MOST_PER_SECOND, "seconds": 1, "burst": MOST_PER_SECOND},
        "quota": {"day": MOST_UNITS, "month": MOST_UNITS},
        "countersAway": "closed",
        "environments": ["sandbox"],
        "organisationTypes": ["company"],
    }
    return {"plans": [plan]}


def write(folder: Path, size: Size) -> None:
    folder.mkdir()
    (folder / "plans.yaml").write_text(json.dumps(_plans()), encoding="utf-8")
    for api in size.ids:
        place = folder / api
        place.mkdir()
        (place / "api.yaml").write_text(json.dumps(_publication(api)), encoding="utf-8")
        (place / "openapi.yaml").write_text(json.dumps(_document(api, size.paths)), encoding="utf-8")
