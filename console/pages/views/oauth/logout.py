"""The pages of RP-initiated logout: an app asks for it, and a person whose session it does not name is asked first."""

from __future__ import annotations

from starlette.responses import Response

from auth.authorization.redirects import origin_of
from auth.errors import Unanswerable, UnreadableRequest
from auth.server.interactive.logout import LogoutRequest
from auth.tokens.id_token import session_name
from console import cookies
from console.pages import passage
from console.pages.page import Page
from console.pages.requests import LONGEST_QUERY, NEVER_KEPT, refused
from console.services import accounts
from console.translate_faults import translated


async def show(page: Page) -> Response:
    query: bytes = page.request.scope["query_string"]
    try:
        asked = await _asked(page, query)
    except Unanswerable as refusal:
        return refused(page, refusal)
    if page.visit is None or asked.session_name == session_name(page.visit.row.id_hash):
        return await _left(page, asked)  # nobody is there, or the app has shown that it knows the session
    response = page.html("logout.html", query=query.decode("ascii", "replace"))
    if asked.redirect is not None:
        passage.allow(response, origin_of(asked.redirect))
    return response


async def confirmed(page: Page) -> Response:
    """The person's yes."""
    given = page.sent.get("request")
    try:
        return await _left(page, await _asked(page, str(given or "").encode("utf-8", "replace")))
    except Unanswerable as refusal:
        return refused(page, refusal)


async def _asked(page: Page, query: bytes) -> LogoutRequest:
    if len(query) > LONGEST_QUERY:
        raise UnreadableRequest("longer than an address may be")
    with translated():
        return await page.site.desk.endpoints.logout.read(query)


async def _left(page: Page, asked: LogoutRequest) -> Response:
    desk = page.site.desk
    if page.visit is not None:
        session_id = cookies.session_id(page.request, desk)
        await accounts.sign_out(desk.people, session_id, origin=page.actor.origin, now=page.now)
    if asked.redirect is None:
        response: Response = page.see_other("/console/sign-in", done="signed-out")
    else:
        response = Response(status_code=303, headers={"Location": asked.redirect, **NEVER_KEPT})
    cookies.drop(response, cookies.session_name(secure=desk.secure), desk)
    return response
