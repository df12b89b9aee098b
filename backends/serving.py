"""What the reference backends share: serving a port, counting, problem documents, links and pages.

Each backend is an ordinary Starlette application. `/_count` says how many calls each operation has
answered, so that what a gateway has metered can be compared with what arrived; it is never published.
"""

from __future__ import annotations

import argparse
import re
import signal
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

Endpoint = Callable[[Request], Awaitable[Response]]
Conversation = Callable[[WebSocket, Callable[[], None]], Awaitable[None]]

DEFAULT_LIMIT = 20
LARGEST_LIMIT = 100
LAST_PAGE = 100_000
LARGEST_MESSAGE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its id in openapi.yaml, its method, path and function."""

    id: str
    method: str
    path: str
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Socket:
    """One WebSocket operation: its id in openapi.yaml, its path and function, which says of each message that it
    came.
    """

    id: str
    path: str
    conversation: Conversation


class Problem(HTTPException):
    """An error answer (RFC 9457). `errors` lists faults of a body as (JSON pointer, sentence)."""

    def __init__(self, status: int, detail: str, code: str, errors: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(status, detail)
        self.code = code
        self.errors = errors


@dataclass(slots=True)
class Counts:
    """Calls answered since the start, by operation id; of a WebSocket the connection and each message."""

    operations: Counter[str] = field(default_factory=Counter)

    def counted(self, operation: Operation) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            self.operations[operation.id] += 1
            return await operation.endpoint(request)

        return endpoint

    def held(self, socket: Socket) -> Callable[[WebSocket], Awaitable[None]]:
        def count() -> None:
            self.operations[socket.id] += 1

        async def endpoint(connection: WebSocket) -> None:
            await connection.accept()
            count()
            await socket.conversation(connection, count)

        return endpoint

    async def show(self, request: Request) -> Response:
        return JSONResponse({"total": self.operations.total(), "operations": dict(self.operations)})


def phrase_of(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


def problem(request: Request, error: Problem) -> Response:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": phrase_of(error.status_code),
        "status": error.status_code,
        "detail": error.detail,
        "instance": base_path(request) + request.url.path,
        "code": error.code,
    }
    if error.errors:
        body["errors"] = [{"pointer": pointer, "detail": detail} for pointer, detail in error.errors]
    return JSONResponse(body, error.status_code, headers=error.headers, media_type="application/problem+json")


async def _http_error(request: Request, error: Exception) -> Response:
    if isinstance(error, Problem):
        return problem(request, error)
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    phrase = phrase_of(status)
    made = Problem(status, "There is nothing at this address." if status == 404 else phrase, _code(phrase))
    made.headers = headers
    return problem(request, made)


def _code(phrase: str) -> str:
    return re.sub(r"[^a-z]+", "-", phrase.lower())


def application(published: str, operations: Sequence[Operation], sockets: Sequence[Socket] = ()) -> Starlette:
    """One route for each path with all its methods, so that other methods get 405 with the right `Allow`.

    `published` is the path of the API at a gateway, for example `/behov/v1`.
    """
    counts = Counts()
    paths: dict[str, dict[str, Endpoint]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = counts.counted(operation)
    routes = [Route(path, _by_method(methods), methods=[*methods]) for path, methods in paths.items()]
    held = [WebSocketRoute(socket.path, counts.held(socket)) for socket in sockets]
    app = Starlette(
        routes=[*routes, *held, Route("/_count", counts.show, methods=["GET"])],
        exception_handlers={HTTPException: _http_error, 500: _http_error},
    )
    app.router.redirect_slashes = False
    app.state.published = published
    return app


def _by_method(methods: Mapping[str, Endpoint]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await methods["GET" if request.method == "HEAD" else request.method](request)

    return endpoint


_ELEMENT = re.compile(r'\s*([A-Za-z]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;,"\s]+)\s*')


def _forwarded(value: str) -> dict[str, str]:
    """The parameters of the first element of a Forwarded header (RFC 7239)."""
    first = value.split(",", maxsplit=1)[0]
    return {name.lower(): text.strip('"') for name, text in _ELEMENT.findall(first)}


def base_path(request: Request) -> str:
    """Path of the API as the client sees it: `X-Forwarded-Prefix`, or the published one behind a gateway."""
    if "forwarded" not in request.headers:
        return ""
    return str(request.headers.get("x-forwarded-prefix", request.app.state.published)).rstrip("/")


def base_url(request: Request) -> str:
    """Address of the API as the client sees it, without a slash at the end.

    A gateway says host and scheme in `Forwarded` (DIGG HYP.08-HYP.10). Called directly, the backend's own
    address is right.
    """
    header = request.headers.get("forwarded")
    if header is None:
        return str(request.base_url).rstrip("/")
    said = _forwarded(header)
    host = said.get("host") or request.url.netloc
    return f"{said.get('proto', 'http')}://{host}{base_path(request)}"


def link(rel: str, href: str, method: str = "GET") -> dict[str, str]:
    return {"rel": rel, "href": href, "method": method}


@dataclass(frozen=True, slots=True)
class Page:
    """`page` counts from 1; 0 and what lies behind the last page are empty pages (DIGG FNS.08, FNS.14)."""

    number: int
    limit: int

    def cut(self, items: Sequence[Any]) -> list[Any]:
        start = (self.number - 1) * self.limit
        return list(items[start : start + self.limit]) if self.number > 0 else []

    def meta(self, total: int, count: int) -> dict[str, int]:
        return {"totalRecords": total, "page": self.number, "limit": self.limit, "count": count}


def page_of(request: Request) -> Page:
    return Page(
        number=whole_number(request.query_params.get("page", "1"), "page", 0, LAST_PAGE),
        limit=whole_number(request.query_params.get("limit", str(DEFAULT_LIMIT)), "limit", 1, LARGEST_LIMIT),
    )


def page_links(request: Request, address: str, page: Page, total: int) -> list[dict[str, str]]:
    """self, first, last, next and prev; all other parameters of the query are kept (DIGG FNS.12)."""
    given = [(name, value) for name, value in _query(request) if name != "page"]
    last = max(1, ceil(total / page.limit))

    def to(rel: str, number: int) -> dict[str, str]:
        return link(rel, f"{address}?{urlencode([*given, ('page', str(number))])}")

    query = urlencode(_query(request))
    links = [link("self", f"{address}?{query}" if query else address), to("first", 1), to("last", last)]
    if page.number < last:
        links.append(to("next", page.number + 1))
    if page.number > 1:
        links.append(to("prev", min(page.number - 1, last)))
    return links


def _query(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(request.url.query, keep_blank_values=True)


def whole_number(text: str, name: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most):
        raise Problem(400, f"{name}: must be a whole number from {least} to {most}", "bad-request")
    return int(text)


def one_of(text: str | None, name: str, allowed: Sequence[str]) -> str | None:
    if text is not None and text not in allowed:
        raise Problem(400, f"{name}: must be one of {', '.join(allowed)}", "bad-request")
    return text


def search_words(text: str | None) -> list[str]:
    if text is None:
        return []
    if not text.strip() or len(text) > 100:
        raise Problem(400, "q: must be 1 to 100 characters", "bad-request")
    return text.split()


async def body_of(request: Request, most: int) -> bytes:
    """Reads a body piece by piece; one that is too large is refused before it is held in memory."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise Problem(413, f"At most {most} bytes are taken.", "too-large")
    return bytes(body)


def run(
    create: Callable[[], Starlette], name: str, port: int, arguments: Sequence[str] | None = None
) -> None:
    """The command line of a backend: `--host`, `--port`, or `--fd` for a listening socket that is
    inherited."""
    parser = argparse.ArgumentParser(prog=f"python -m backends.{name}")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=port, help="port to listen on (default %(default)s)")
    parser.add_argument("--fd", type=int, help="number of an inherited listening socket")
    chosen = parser.parse_args(arguments)
    config = uvicorn.Config(
        create(),
        host=chosen.host,
        port=chosen.port,
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
        ws="websockets-sansio",
        ws_max_size=LARGEST_MESSAGE,
    )
    # uvicorn raises the signal that stopped it once more after the shutdown; a clean stop is status 0.
    signal.signal(signal.SIGTERM, lambda *_: None)
    sockets = [socket.socket(fileno=chosen.fd)] if chosen.fd is not None else None
    uvicorn.Server(config).run(sockets=sockets)
