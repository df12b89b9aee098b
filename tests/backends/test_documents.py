"""The OpenAPI documents themselves: examples are valid, every operation is served, nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from backends.behov.app import create as behov
from backends.eko.app import create as eko
from backends.vardenheter.app import create as vardenheter
from tests.backends.contract import Contract

CREATE: dict[str, Callable[[], Starlette]] = {"vardenheter": vardenheter, "behov": behov, "eko": eko}
UNPUBLISHED = {"/_count", "/echo/{rest:path}"}


def contents(contract: Contract) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, operation in contract.operations().items():
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name} {media_type}", content
        for status, response in operation["responses"].items():
            for content in contract.resolved(response).get("content", {}).values():
                yield f"{name} {status}", content


@pytest.mark.parametrize("name", CREATE)
def test_every_example_is_valid(name: str) -> None:
    contract = Contract(name)
    checked = 0
    for place, content in contents(contract):
        assert content["examples"], place
        for example in content["examples"].values():
            contract.valid(content["schema"], example["value"])
            checked += 1
    assert checked > 20


@pytest.mark.parametrize("name", CREATE)
def test_what_is_published_is_what_is_served(name: str) -> None:
    contract = Contract(name)
    published = {
        (path, method.upper())
        for path, item in contract.document["paths"].items()
        for method in item
        if method != "parameters"
    }
    served = {
        (route.path, method)
        for route in CREATE[name]().routes
        if isinstance(route, Route) and route.path not in UNPUBLISHED
        for method in (route.methods or set()) - {"HEAD"}
    }
    sockets = {(route.path, "GET") for route in CREATE[name]().routes if isinstance(route, WebSocketRoute)}
    assert served | sockets == published


@pytest.mark.parametrize("name", CREATE)
def test_errors_of_the_gateway_are_documented(name: str) -> None:
    for operation in Contract(name).operations().values():
        assert {"401", "403", "429", "503"} <= operation["responses"].keys()
