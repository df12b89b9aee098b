"""The pages of the authorization endpoint: consent, and why a request is refused (RFC 6749, 3.1; RFC 9700, 4.11, 4.16).

What is asked and answered is `auth.server.authorize`. The form of the consent page is bound to the session and to the
request it was shown for, so that a yes to one app can never be sent as a yes to another.
"""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from auth.authorization import faults, parameters
from auth.authorization.redirects import origin_of
from auth.origin import Origin
from auth.people import authentication_of
from auth.server.authorize import PATH, AskConsent, Outcome, Redirect, Visitor
from console import arrival, errors
from console.management.strict_json import collect
from console.pages import csrf, passage
from console.pages.page import Page
from console.pages.site import Site
from console.services import accounts, authorizations
from console.translate_faults import translated

# What fits into an address that leads to sign-in and back. A longer request is pushed (RFC 9126).
LONGEST_QUERY = 4000


async def show(page: Page) -> Response:
    """A request by GET."""
    query: bytes = page.request.scope["query_string"]
    desk = page.site.desk
    try:
        if len(query) > LONGEST_QUERY:
            raise faults.UnreadableRequest("longer than an address may be")
        with translated():
            outcome = await desk.authorization.begin(query, visitor(page), _sender(page), page.now)
    except faults.Unanswerable as refusal:
        return refused(page, refusal)
    return await shown(page, outcome)


async def decide(page: Page) -> Response:
    """The consent page's yes or no."""
    query, answer = _sent(page, "request"), _sent(page, "answer")
    if not csrf.equal(bound(page, query), _sent(page, "bound")) or answer not in ("yes", "no"):
        raise errors.CrossSite("consent form")
    try:
        with translated():
            outcome = await page.site.desk.authorization.decide(
                query.encode(), visitor(page), yes=answer == "yes", origin=_sender(page), now=page.now
            )
    except faults.Unanswerable as refusal:
        return refused(page, refusal)
    return await shown(page, outcome)


async def shown(page: Page, outcome: Outcome) -> Response:
    if isinstance(outcome, Redirect):
        return Response(status_code=303, headers={"Location": outcome.location, **_NEVER_KEPT})
    if isinstance(outcome, AskConsent):
        return await _consent_page(page, outcome)
    more = {"again": "1"} if page.visit is not None else {}
    if outcome.login_hint:
        more["login_hint"] = outcome.login_hint[:200]
    return page.see_other("/console/sign-in", next=outcome.next, **more)


async def _consent_page(page: Page, asked: AskConsent) -> Response:
    catalog = page.site.desk.catalog()
    context = await page.read(lambda session: authorizations.describe(session, asked, catalog))
    response = page.html(
        "consent.html", context, query=asked.query, bound=bound(page, asked.query), until=asked.until
    )
    passage.allow(response, origin_of(asked.request.redirect_uri))
    return response


def refused(page: Page, refusal: faults.Unanswerable) -> Response:
    return page.html("request_refused.html", status=400, refusal=refusal)


def visitor(page: Page) -> Visitor | None:
    if page.visit is None:
        return None
    session = page.visit.session
    return Visitor(page.visit.person, session.id_hash, authentication_of(session))


def _sender(page: Page) -> Origin:
    if page.visit is None:
        return accounts.nobody(page.arrival.ip, page.arrival.request_id)
    return page.actor.origin


def bound(page: Page, query: str) -> str:
    """What the form carries beside the session's token: that token and the very request, as one hash."""
    return sha256(f"consent:{page.csrf_token}:{query}".encode("utf-8", "surrogatepass")).hexdigest()


def _sent(page: Page, name: str) -> str:
    values = page.sent.getlist(name)
    return str(values[0]) if len(values) == 1 else ""


_NEVER_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache", "Referrer-Policy": "no-referrer"}


class Posted:
    """A request by POST (OpenID Connect Core, 3.1.2.1), which comes from the app's own page: it becomes a GET.

    Nothing is done for it but the redirect, so it needs no proof of its origin. By GET the browser sends the session's
    cookie, which it keeps back from a form of another site.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        page = Page(self._site, request, arrival.read(request), None, self._site.desk.now(), "")
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            if media != "application/x-www-form-urlencoded" or request.url.query:
                raise faults.UnreadableRequest("no form, or a query beside it")
            found = parameters.parsed(await collect(request.stream(), parameters.LARGEST))
            query = urlencode(found.values)
            if found.repeated or len(query) > LONGEST_QUERY:
                raise faults.UnreadableRequest("twice, or longer than an address may be")
        except (faults.Unanswerable, errors.TooLarge):
            return refused(page, faults.UnreadableRequest())
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        return RedirectResponse(f"{PATH}?{query}", 303, headers=_NEVER_KEPT)
