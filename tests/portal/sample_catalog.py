"""A small catalogue with one ordinary API and one whose publisher attacks the portal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.catalog.model import (
    Access,
    Api,
    AtEnd,
    Catalog,
    Contact,
    CountersAway,
    Environment,
    Family,
    Operation,
    Plan,
    Rate,
    Status,
    Text,
    Tier,
    Timeouts,
    Upstream,
)
from portal_docs.build import DemoClient, ProblemPage

DEMO = DemoClient("sluss_app_demo", "sluss_sec_demo-secret")

EVIL = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> [klick](javascript:alert(1)) "
    "![bild](https://evil.example/x.png) [ut](//evil.example/) {{ 7*7 }} {% raw %} {: onclick=alert(1) } "
    "`x` | cell | </div></dl><iframe src=https://evil.example></iframe> [data](data:text/html,x)"
)
EVIL_BLOCK = EVIL + "\n\n```\n</pre></code></div><script>alert(2)</script>\n\n# Rubrik\n\n~~~\nhej\n~~~\n"

_NEED = {
    "type": "object",
    "required": ["title", "stage"],
    "properties": {
        "id": {"type": "string", "readOnly": True, "examples": ["b-101"]},
        "title": {"type": "string", "description": "Kort rubrik", "examples": ["Hitta rätt väg i 'huset'"]},
        "stage": {"type": "string", "enum": ["nytt", "nyttigt", "nyttiggjort"]},
        "created": {"type": "string", "format": "date-time"},
        "parent": {"$ref": "#/components/schemas/Need"},
        "answers": {"type": "array", "items": {"$ref": "#/components/schemas/Answer"}},
    },
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Behov", "version": "1.2.0", "description": "What care needs.\n\n- one\n- two"},
    "paths": {
        "/needs": {
            "get": {
                "operationId": "listNeeds",
                "summary": "List needs",
                "description": "Newest first. See [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457).",
                "parameters": [{"$ref": "#/components/parameters/stage"}],
                "responses": {
                    "200": {
                        "description": "A page of needs",
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Need"}}
                            }
                        },
                    },
                    "400": {"description": "Wrong parameter"},
                },
            },
            "post": {
                "operationId": "createNeed",
                "summary": "Publish a need",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Need"},
                            "example": {"title": "Ljud på 'avdelning' 7", "stage": "nytt"},
                        }
                    },
                },
                "responses": {"201": {"description": "Created"}},
            },
        },
        "/needs/{needId}": {
            "get": {
                "operationId": "readNeed",
                "summary": "Read one need",
                "parameters": [
                    {
                        "name": "needId",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string"},
                        "example": "b 101/x",
                    },
                    {"name": "If-None-Match", "in": "header", "required": True, "example": '"abc"'},
                ],
                "responses": {"200": {"description": "The need"}},
            }
        },
    },
    "components": {
        "parameters": {
            "stage": {
                "name": "stage",
                "in": "query",
                "schema": {"type": "string", "enum": ["nytt", "nyttigt"]},
                "description": "Only this stage",
            }
        },
        "schemas": {
            "Need": _NEED,
            "Answer": {"type": "object", "properties": {"text": {"type": "string"}}},
        },
    },
}

PLANS = {
    plan.key: plan
    for plan in (
        Plan(
            id="prova",
            version=1,
            name=Text("Prova", "Try"),
            summary=Text("Gratis i sandlådan.", "Free in the sandbox."),
            fee=0,
            included=0,
            tiers=(),
            rate=Rate(25, 1, 50),
            per_day=500,
            per_month=5000,
            at_end=AtEnd.REFUSE,
            counters_away=CountersAway.CLOSED,
            approval=False,
            environments=frozenset({Environment.SANDBOX}),
            organisation_types=frozenset({"company", "research", "authority", "internal"}),
        ),
        Plan(
            id="leverantor",
            version=2,
            name=Text("Leverantör", "Supplier"),
            summary=Text("För stora volymer.", "For large volumes."),
            fee=495000,
            included=100000,
            tiers=(Tier(0, 950), Tier(1_000_000, 600)),
            rate=Rate(200, 1, 400),
            per_day=None,
            per_month=None,
            at_end=AtEnd.BILL,
            counters_away=CountersAway.OPEN,
            approval=True,
            environments=frozenset({Environment.SANDBOX, Environment.PRODUCTION}),
            organisation_types=frozenset({"company"}),
        ),
    )
}

PROBLEMS = (
    ProblemPage(
        "rate-limited",
        429,
        Text("För många anrop", "Too many requests"),
        Text("Appen har nått sin gräns.", "The app has reached its limit."),
        Text("Vänta så länge som `Retry-After` säger.", "Wait as long as `Retry-After` says."),
    ),
    ProblemPage("missing-token", 401, Text("Token saknas", "No token"), Text("a", "b"), Text(EVIL, EVIL)),
)


def _operation(operation_id: str, method: str, path: str, scopes: set[str]) -> Operation:
    return Operation(
        id=operation_id,
        method=method,
        path=path,
        scopes=frozenset(scopes),
        weight=1,
        summary=Text("", ""),
        body_limit=65536,
    )


def _api(
    api_id: str, name: Text, summary: Text, document: Mapping[str, Any], status: Status, text: Text
) -> Api:
    return Api(
        id=api_id,
        major=1,
        version="1.2.0",
        name=name,
        summary=summary,
        family=Family.REST,
        status=status,
        released="2026-01-15",
        deprecated="2026-06-01" if status is Status.DEPRECATED else None,
        sunset="2026-12-31" if status is Status.DEPRECATED else None,
        upstreams={Environment.SANDBOX: (Upstream("http://127.0.0.1:9"),)},
        access=Access(agreement=True, approval=True, purposes=("vård", "forskning")),
        plans=("prova", "leverantor"),
        operations=(
            _operation("listNeeds", "GET", "/needs", {f"{api_id}:read"}),
            _operation("createNeed", "POST", "/needs", {f"{api_id}:write"}),
            _operation("readNeed", "GET", "/needs/{needId}", {f"{api_id}:read"}),
        ),
        scopes={f"{api_id}:read": Text("Läsa", "Read"), f"{api_id}:write": Text("Skriva", "Write")},
        timeouts=Timeouts(),
        body_limit=65536,
        contacts=(Contact("owner", "Anna Å & Co", "anna@region.example"),),
        terms={
            "legal": text,
            "economic": Text("Enligt plan.", "By plan."),
            "technical": Text("TLS 1.2.", "TLS 1.2."),
        },
        service_level=Text("99,5 procent per månad.", "99.5 per cent a month."),
        openapi=document,
        openapi_sv=document,
        folder=Path("/nowhere"),
    )


def sample_catalog() -> Catalog:
    """Two APIs: `behov/v1`, and `elak/v1`, in which every text is an attack."""
    hostile = {
        **DOCUMENT,
        "info": {"title": EVIL, "version": "1", "description": EVIL_BLOCK},
        "paths": {
            "/needs": {
                "get": {
                    "summary": EVIL,
                    "description": EVIL_BLOCK,
                    "parameters": [
                        {"name": EVIL, "in": "query", "required": True, "example": "$(touch /tmp/x)'`;\n```"},
                        {"name": "@/etc/passwd", "in": "header", "required": True, "example": "x"},
                    ],
                    "responses": {
                        "200": {"description": EVIL, "content": {EVIL: {"example": {EVIL: EVIL_BLOCK}}}}
                    },
                }
            }
        },
    }
    behov = _api(
        "behov",
        Text("Behov", "Needs"),
        Text("Vårdens behov.", "Care's needs."),
        DOCUMENT,
        Status.ACTIVE,
        Text("Avtal.", "Agreement."),
    )
    elak = _api(
        "elak", Text(EVIL, EVIL), Text(EVIL, EVIL), hostile, Status.DEPRECATED, Text(EVIL_BLOCK, EVIL_BLOCK)
    )
    return Catalog(apis={api.key: api for api in (behov, elak)}, plans=PLANS, digest="sample-1")
