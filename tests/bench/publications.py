"""A catalogue as large as the design's: 200 publications of one operation each, all to the same upstream.

YAML takes JSON, so the files are written as JSON.
"""

from __future__ import annotations

import json
from pathlib import Path

COUNT = 200
PLAN = "bench"
PLAN_VERSION = 1
UPSTREAM_VARIABLE = "SLUSS_UPSTREAM_BENCH"
# The schema's largest: every check is made and none refuses.
MOST_PER_SECOND = 1_000_000
MOST_UNITS = 1_000_000_000_000


def api_id(number: int) -> str:
    return f"bench-{number}"


def api_key(number: int) -> str:
    return f"{api_id(number)}/v1"


def scope(number: int) -> str:
    return f"{api_id(number)}:read"


def _both(text: str) -> dict[str, str]:
    return {"sv": text, "en": text}


def _publication(number: int) -> dict[str, object]:
    return {
        "id": api_id(number),
        "name": _both(f"Bench {number}"),
        "summary": _both("Answers the bench."),
        "status": "active",
        "released": "2026-01-01",
        "upstreams": {"sandbox": [{"url": "${" + UPSTREAM_VARIABLE + "}"}]},
        "plans": [PLAN],
        "contacts": [{"role": "owner", "name": "Bench", "email": "bench@example.org"}],
        "terms": {"legal": _both("None."), "economic": _both("None."), "technical": _both("None.")},
        "serviceLevel": _both("None."),
    }


def _document(number: int) -> dict[str, object]:
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Bench {number}", "version": "1.0.0", "description": "For the bench."},
        "servers": [{"url": f"/{api_id(number)}/v1"}],
        "security": [{"oauth2": [scope(number)]}],
        "paths": {
            "/units/{unitId}": {
                "get": {
                    "operationId": "getUnit",
                    "summary": "One unit",
                    "parameters": [
                        {"name": "unitId", "in": "path", "required": True, "schema": {"type": "string"}}
                    ],
                    "responses": {"200": {"description": "The unit"}},
                }
            }
        },
        "components": {
            "securitySchemes": {
                "oauth2": {
                    "type": "oauth2",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": "/oauth2/token",
                            "scopes": {scope(number): "Read units"},
                        }
                    },
                }
            }
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


def write(folder: Path) -> None:
    folder.mkdir()
    (folder / "plans.yaml").write_text(json.dumps(_plans(), indent=1), encoding="utf-8")
    for number in range(COUNT):
        place = folder / api_id(number)
        place.mkdir()
        (place / "api.yaml").write_text(json.dumps(_publication(number), indent=1), encoding="utf-8")
        (place / "openapi.yaml").write_text(json.dumps(_document(number), indent=1), encoding="utf-8")
