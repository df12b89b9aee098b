"""Pages of other origins at the endpoints that an app in a browser calls (Fetch, CORS protocol; RFC 9700, 2.6).

Any origin may read the answers: nothing here goes by a cookie, so a page learns no more than what it brings the proof
for. The authorization endpoint is not among them: a browser goes there, it does not fetch from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Endpoint = Callable[[Request], Awaitable[Response]]

_ANSWER = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "DPoP-Nonce, WWW-Authenticate, Retry-After",
}
REMEMBERED = 600  # seconds a browser keeps the permission


def opened(path: str, endpoint: Endpoint, *methods: str) -> tuple[Route, Route]:
    """The endpoint's routes, readable by pages of any origin: itself, and a browser's question before."""
    permission = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": "Authorization, Content-Type, DPoP",
        "Access-Control-Max-Age": str(REMEMBERED),
        "Cache-Control": "no-store",
    }

    async def preflight(_: Request) -> Response:
        return Response(status_code=204, headers=permission)

    async def answered(request: Request) -> Response:
        response = await endpoint(request)
        response.headers.update(_ANSWER)
        return response

    return Route(path, answered, methods=[*methods]), Route(path, preflight, methods=["OPTIONS"])
