"""What apps ask of a person's browser at protocol addresses: by POST or by GET, and the page that refuses it."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from auth.authorization import parameters
from auth.errors import Unanswerable, UnreadableRequest
from console import arrival, errors
from console.management.strict_json import collect
from console.pages.page import Page
from console.pages.site import Site

# What fits into an address that leads to sign-in and back. A longer request is pushed (RFC 9126).
LONGEST_QUERY = 4000
NEVER_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache", "Referrer-Policy": "no-referrer"}


def refused(page: Page, refusal: Unanswerable) -> Response:
    return page.html("request_refused.html", status=400, refusal=refusal)


class Posted:
    """A request by POST (OIDC Core, 3.1.2.1; RP-Initiated Logout, 2), from the app's own page: it becomes a GET.

    Nothing is done for it but the redirect, so it needs no proof of its origin. By GET the browser sends the session's
    cookie, which it keeps back from a form of another site.
    """

    def __init__(self, site: Site, path: str) -> None:
        self._site = site
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        page = Page(self._site, request, arrival.read(request), None, self._site.desk.now(), "")
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            if media != "application/x-www-form-urlencoded" or request.url.query:
                raise UnreadableRequest("no form, or a query beside it")
            found = parameters.parsed(await collect(request.stream(), parameters.LARGEST))
            query = urlencode(found.values)
            if found.repeated or len(query) > LONGEST_QUERY:
                raise UnreadableRequest("twice, or longer than an address may be")
        except (Unanswerable, errors.TooLarge):
            return refused(page, UnreadableRequest())
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        return RedirectResponse(f"{self._path}?{query}", 303, headers=NEVER_KEPT)
