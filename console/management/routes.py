"""The management API as a Starlette mount, from the table of operations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from console import arrival, errors, problem
from console.desk import Desk
from console.management import openapi
from console.management.dispatch import Endpoint
from console.management.operation import Operation
from console.management.operations import TABLE


def routes(desk: Desk) -> list[BaseRoute]:
    """Routes below `/management/v1`; the last takes whatever is not in the table."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in TABLE:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    listed: list[BaseRoute] = [Route(path, Endpoint(desk, found)) for path, found in by_path.items()]
    return [*listed, *_documents(desk), Route("/{rest:path}", _Nothing(desk))]


def _documents(desk: Desk) -> list[BaseRoute]:
    described = partial(openapi.document, TABLE, desk.issuer, secure=desk.secure)
    return [
        Route("/openapi.json", _Document(desk, described)),
        Route("/api-info", _Document(desk, partial(openapi.api_info, desk.issuer))),
    ]


class _Document:
    """A fixed JSON answer to GET, made when it is first asked for."""

    def __init__(self, desk: Desk, make: Callable[[], dict[str, Any]]) -> None:
        self._desk = desk
        self._make = make
        self._content: bytes | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method in ("GET", "HEAD"):
            self._content = self._content or orjson.dumps(self._make())
            response = Response(self._content, media_type="application/json")
        else:
            refusal = errors.MethodNotAllowed(request.method, allowed=("GET", "HEAD"))
            response = problem.render(refusal, arrival.read(request), self._desk.issuer)
        await response(scope, receive, send)


class _Nothing:
    """Whatever the table does not have, in any method (Z7)."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = problem.render(
            errors.NotFound("no such route"), arrival.read(Request(scope)), self._desk.issuer
        )
        await response(scope, receive, send)
