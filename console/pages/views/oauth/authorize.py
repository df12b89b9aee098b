"""The pages of the authorization endpoint: consent, and why a request is refused (RFC 6749, 3.1; RFC 9700, 4.11, 4.16).

What is asked and answered is `auth.server.interactive.authorize`. The form of the consent page is bound to the session
and to the request it was shown for, so that a yes to one app can never be sent as a yes to another.
"""

from __future__ import annotations

from hashlib import sha256

from starlette.responses import Response

from auth.authorization.redirects import origin_of
from auth.errors import Unanswerable, UnreadableRequest
from auth.origin import Origin
from auth.server.interactive.authorize import AskConsent, Outcome, Redirect, Visitor
from console import errors
from console.pages import csrf, passage
from console.pages.page import Page
from console.pages.requests import LONGEST_QUERY, NEVER_KEPT, refused
from console.pages.views import permissions
from console.services import accounts
from console.translate_faults import translated


async def show(page: Page) -> Response:
    """A request by GET."""
    query: bytes = page.request.scope["query_string"]
    desk = page.site.desk
    try:
        if len(query) > LONGEST_QUERY:
            raise UnreadableRequest("longer than an address may be")
        with translated():
            outcome = await desk.endpoints.authorize.begin(query, visitor(page), sender(page), page.now)
    except Unanswerable as refusal:
        return refused(page, refusal)
    return await shown(page, outcome)


async def decide(page: Page) -> Response:
    """The consent page's yes or no."""
    query, answer = _sent(page, "request"), _sent(page, "answer")
    if not csrf.equal(bound(page, query), _sent(page, "bound")) or answer not in ("yes", "no"):
        raise errors.CrossSite("consent form")
    try:
        with translated():
            outcome = await page.site.desk.endpoints.authorize.decide(
                query.encode(), visitor(page), yes=answer == "yes", origin=sender(page), now=page.now
            )
    except Unanswerable as refusal:
        return refused(page, refusal)
    return await shown(page, outcome)


async def shown(page: Page, outcome: Outcome) -> Response:
    if isinstance(outcome, Redirect):
        return Response(status_code=303, headers={"Location": outcome.location, **NEVER_KEPT})
    if isinstance(outcome, AskConsent):
        return await _consent_page(page, outcome)
    more = {"again": "1"} if page.visit is not None else {}
    if outcome.login_hint:
        more["login_hint"] = outcome.login_hint[:200]
    return page.see_other("/console/sign-in", next=outcome.next, **more)


async def _consent_page(page: Page, asked: AskConsent) -> Response:
    catalog = page.site.desk.catalog()
    context = await page.read(
        lambda session: permissions.describe(session, asked.client.app, asked.request.scope, catalog)
    )
    before = permissions.wishes(asked.before - asked.request.scope, catalog)
    response = page.html(
        "consent.html",
        context,
        before=before,
        query=asked.query,
        bound=bound(page, asked.query),
        until=asked.until,
    )
    passage.allow(response, origin_of(asked.request.redirect_uri))
    return response


def visitor(page: Page) -> Visitor | None:
    if page.visit is None:
        return None
    return Visitor(page.visit.person, page.visit.row.id_hash, page.visit.authentication)


def sender(page: Page) -> Origin:
    if page.visit is None:
        return accounts.nobody(page.arrival)
    return page.actor.origin


def bound(page: Page, query: str) -> str:
    """What the form carries beside the session's token: that token and the very request, as one hash."""
    return sha256(f"consent:{page.csrf_token}:{query}".encode("utf-8", "surrogatepass")).hexdigest()


def _sent(page: Page, name: str) -> str:
    values = page.sent.getlist(name)
    return str(values[0]) if len(values) == 1 else ""
