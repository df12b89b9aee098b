"""The echo: what arrived, and answers of a chosen kind. Keeps nothing."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from backends.serving import Operation, Problem, Socket, application, problem, whole_number

BASE = "/eko/v1"
REPEATED = 64 * 1024
LARGEST_BODY = 1024 * 1024
LONGEST_DELAY = 10_000
MOST_BYTES = 16 * 1024 * 1024
MOST_EVENTS = 1000
PIECE = (b"abcdefghijklmnopqrstuvwxyz" * 2521)[: 64 * 1024 - 64 * 1024 % 26]
WITHOUT_BODY = frozenset({204, 205, 304})


async def echo(request: Request) -> Response:
    kept, size = bytearray(), 0
    async for piece in request.stream():
        size += len(piece)
        if size > LARGEST_BODY:
            raise Problem(413, f"At most {LARGEST_BODY} bytes are taken.", "too-large")
        kept += piece[: REPEATED - len(kept)]
    answer: dict[str, object] = {
        "method": request.method,
        "path": request.scope["path"],
        "query": [
            {"name": name, "value": value}
            for name, value in parse_qsl(request.url.query, keep_blank_values=True)
        ],
        "headers": [
            {"name": name.decode("latin-1"), "value": value.decode("latin-1")}
            for name, value in request.headers.raw
        ],
        "bodySize": size,
        "bodyTruncated": size > REPEATED,
    }
    if size:
        answer |= _body(bytes(kept), truncated=size > REPEATED)
    return JSONResponse(answer)


def _body(kept: bytes, *, truncated: bool) -> dict[str, str]:
    """A cut may fall inside a character; up to three bytes at the end are then left out."""
    for missing in range(4 if truncated else 1):
        try:
            return {"body": kept[: len(kept) - missing].decode("utf-8")}
        except UnicodeDecodeError:
            continue
    return {"bodyBase64": base64.b64encode(kept).decode("ascii")}


async def status(request: Request) -> Response:
    code = whole_number(request.path_params["code"], "code", 200, 599)
    if code in WITHOUT_BODY:
        return Response(status_code=code)
    if code < 400:
        return JSONResponse({"status": code}, code)
    return problem(request, Problem(code, "This status was asked for.", "asked-for"))


async def delay(request: Request) -> Response:
    wait = whole_number(request.path_params["milliseconds"], "milliseconds", 0, LONGEST_DELAY)
    await asyncio.sleep(wait / 1000)
    return await echo(request)


async def many_bytes(request: Request) -> Response:
    count = whole_number(request.path_params["count"], "count", 0, MOST_BYTES)

    async def pieces() -> AsyncIterator[bytes]:
        left = count
        while left > 0:
            yield PIECE[:left]
            left -= len(PIECE)

    return StreamingResponse(pieces(), media_type="application/octet-stream")


async def stream(request: Request) -> Response:
    events = whole_number(request.query_params.get("events", "5"), "events", 1, MOST_EVENTS)
    interval = whole_number(request.query_params.get("interval", "200"), "interval", 0, LONGEST_DELAY)

    async def pieces() -> AsyncIterator[str]:
        for number in range(1, events + 1):
            if number > 1:
                await asyncio.sleep(interval / 1000)
            yield f'id: {number}\nevent: tick\ndata: {{"number":{number}}}\n\n'

    return StreamingResponse(pieces(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def echo_messages(connection: WebSocket, came: Callable[[], None]) -> None:
    """Each message comes back as it was: text as text, bytes as bytes."""
    try:
        while (event := await connection.receive())["type"] == "websocket.receive":
            came()
            text = event.get("text")
            if text is not None:
                await connection.send_text(text)
            else:
                await connection.send_bytes(event["bytes"])
    except WebSocketDisconnect:
        return  # the client left while its message was on the way back


def create() -> Starlette:
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    echoes = [
        Operation(f"{method.lower()}{suffix}", method, path, echo)
        for path, suffix in (("/echo", "Echo"), ("/echo/{word}", "EchoWord"))
        for method in methods
    ]
    # Unpublished: everything else below /echo/, for tests that call the backend behind another gateway.
    deeper = [Operation(f"{method.lower()}EchoDeep", method, "/echo/{rest:path}", echo) for method in methods]
    return application(
        BASE,
        [
            *echoes,
            Operation("getStatus", "GET", "/status/{code}", status),
            Operation("getDelay", "GET", "/delay/{milliseconds}", delay),
            Operation("getBytes", "GET", "/bytes/{count}", many_bytes),
            Operation("streamEvents", "GET", "/stream", stream),
            *deeper,
        ],
        [Socket("echoSocket", "/socket", echo_messages)],
    )
