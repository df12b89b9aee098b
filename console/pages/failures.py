"""What no route answers, and what nobody foresaw: 404, 405 and 500, as a page or as a problem document by Accept.

A fault of ours shows the request's id and nothing else (P4). The log gets the class and the places in the code, but
not the exception's text: a database driver puts parameters there, and those can be a person's (P1).
"""

from __future__ import annotations

import logging
import traceback

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

from console import arrival, errors, problem
from console.pages.handling import refusal_page
from console.pages.page import Page
from console.pages.site import Site

_log = logging.getLogger("sluss.console")


def wants_page(request: Request) -> bool:
    """Whether a person is reading: programs under /management and /oauth2 never are."""
    if request.url.path.startswith(("/management/", "/oauth2/", "/.well-known/")):
        return False
    return "text/html" in request.headers.get("accept", "")


def answer(site: Site, request: Request, refusal: errors.ConsoleError, arrived: arrival.Arrival) -> Response:
    if not wants_page(request):
        return problem.render(refusal, arrived, site.desk.issuer)
    return refusal_page(Page(site, request, arrived, None, site.desk.now(), ""), refusal)


def handlers(site: Site) -> dict[object, ExceptionHandler]:
    """For Starlette's own refusals: no route, or none for the method."""

    async def refused(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        refusal: errors.ConsoleError = errors.NotFound("no route")
        if status == 405 and isinstance(error, HTTPException):
            allowed = (error.headers or {}).get("Allow", "").split(", ")
            refusal = errors.MethodNotAllowed("route", allowed=allowed)
        elif status != 404:
            refusal = errors.Unreadable(str(status))
        return answer(site, request, refusal, arrival.read(request))

    return {HTTPException: refused}


class LastResort:
    """Outermost: turns an unforeseen exception into a 500 and a log line, so that no server prints it."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            # Whatever it is, the caller gets one shape and we get one line.
            if scope["type"] != "http":
                raise
            request = Request(scope)
            arrived = arrival.read(request)
            _log.error(
                "request %s: %s\n%s",
                arrived.request_id,
                type(error).__qualname__,
                "".join(traceback.format_tb(error.__traceback__)),
            )
            if started:
                raise ConnectionAbortedError(arrived.request_id) from None
            response = answer(self._site, request, errors.Internal(type(error).__qualname__), arrived)
            await response(scope, receive, send)
