"""A client that can hold every answer of a backend against the backend's own OpenAPI document."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import yaml
from starlette.applications import Starlette

BACKENDS = Path(__file__).parents[2] / "backends"


class Contract:
    """Fails a test when an answer has a status, media type, header or body that the document does not have."""

    def __init__(self, name: str) -> None:
        self.document: dict[str, Any] = yaml.safe_load((BACKENDS / name / "openapi.yaml").read_text())
        self.seen: set[str] = set()

    def operations(self) -> dict[str, dict[str, Any]]:
        return {
            operation["operationId"]: operation
            for item in self.document["paths"].values()
            for method, operation in item.items()
            if method in ("get", "post", "put", "patch", "delete")
        }

    def check(self, response: httpx.Response) -> None:
        operation = self._operation(response.request.method, response.request.url.path)
        self.seen.add(operation["operationId"])
        described = operation["responses"].get(str(response.status_code)) or operation["responses"].get(
            "default"
        )
        assert described is not None, f"{operation['operationId']}: {response.status_code} is not documented"
        described = self.resolved(described)
        if response.status_code == 201:
            assert response.headers["location"]
            assert "Location" in described["headers"]
        if response.content:
            media_type = response.headers["content-type"].split(";")[0]
            assert media_type in described.get("content", {}), (operation["operationId"], media_type)
            if media_type.endswith("json"):
                self.valid(described["content"][media_type]["schema"], response.json())

    def valid(self, schema: Mapping[str, Any], value: object) -> None:
        whole = {**schema, "components": self.document["components"]}
        faults = jsonschema_rs.Draft202012Validator(whole, validate_formats=True).iter_errors(value)
        assert [f"{list(fault.instance_path)}: {fault.message}" for fault in faults] == []

    def resolved(self, value: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in value:
            found: Any = self.document
            for name in value["$ref"][2:].split("/"):
                found = found[name]
            value = found
        return value

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        for template, item in self.document["paths"].items():
            if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path) and method.lower() in item:
                found: dict[str, Any] = item[method.lower()]
                return found
        raise AssertionError(f"{method} {path} is not in the document")


class Client:
    """Calls an application in this process, from tests that are not coroutines."""

    def __init__(self, app: Starlette, runner: asyncio.Runner, contract: Contract | None) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://testserver")
        self._runner = runner
        self._contract = contract

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        response = self._runner.run(self._client.request(method, url, **options))
        if self._contract is not None and response.request.url.path != "/_count":
            self._contract.check(response)
        return response

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> httpx.Response:
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> httpx.Response:
        return self.request("PUT", url, **options)


@contextmanager
def client_of(app: Starlette, contract: Contract | None = None) -> Iterator[Client]:
    """With a contract, every answer is held against it."""
    with asyncio.Runner() as runner:
        yield Client(app, runner, contract)
