"""Sign-in at another provider, linking it to one's account, and its own word that a session there has ended."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from auth.errors import ProviderFault, VouchingRefused
from auth.federation.flow import Federation
from auth.server.adapter import origin
from console import arrival, cookies, errors
from console.management.strict_json import collect
from console.pages.forms import SignIn
from console.pages.handling import SECURITY
from console.pages.local_path import local
from console.pages.page import Page
from console.pages.site import Site
from console.pages.views.accounts import entered
from console.services import accounts
from console.services.people import security
from console.translate_faults import translated

BACK = "/console/sign-in/provider"
MOST_LOGOUT_BYTES = 20 * 1024


def _federation(page: Page) -> Federation:
    if page.site.desk.federation is None:
        raise errors.NotFound("no provider")
    return page.site.desk.federation


async def start(page: Page) -> Response:
    """A plain link, not a form: the policy lets no form end at another host."""
    federation = _federation(page)
    try:
        with translated():
            there = await federation.start(_browser(page), local(page.query("next") or None), page.now)
    except errors.VouchingRefused as refusal:
        return _refused(page, refusal)
    return RedirectResponse(there, 303)


async def back(page: Page) -> Response:
    """From the provider. Every parameter once: two of one are read differently by different readers."""
    federation = _federation(page)
    pairs = page.request.query_params.multi_items()
    answer = {name: value for name, value in pairs if len(value) <= 4096}
    person_id = page.visit.person.id if page.visit else ""
    desk = page.site.desk
    try:
        if len(answer) != len(pairs) or len(pairs) > 20:
            raise errors.VouchingRefused("repeated or too long")
        with translated():
            returned = await federation.finish(
                _browser(page),
                answer,
                page.now,
                accounts.nobody(page.arrival),
                person_id=person_id,
                previous=cookies.session_id(page.request, desk) or None,
            )
    except errors.VouchingRefused as refusal:
        return _refused(page, refusal)
    if returned.begun is None:
        return page.see_other(SECURITY, done="identity-linked")
    return entered(page, returned.begun, local(returned.next))


async def link(page: Page) -> Response:
    """A page with a link, after a form of ours: a forged link must not tie a stranger's identity to this account."""
    federation = _federation(page)
    visit = page.demand_visit()
    with translated():
        there = await federation.start(_browser(page), SECURITY, page.now, link_to=visit.person.id)
    return page.html(
        "link_identity.html", there=there, label=federation.provider.label(page.arrival.language)
    )


async def unlink(page: Page) -> Response:
    visit = page.demand_visit()
    await page.write(
        lambda session: security.unlink(session, visit, page.path["identity"], now=page.now, actor=page.actor)
    )
    return page.see_other(SECURITY, done="identity-unlinked")


def _refused(page: Page, refusal: errors.VouchingRefused) -> Response:
    return page.refused("sign_in.html", page.blank(SignIn), refusal, next=local(page.query("next") or None))


def _browser(page: Page) -> str:
    return page.visit.row.id_hash if page.visit else page.form_seed


class BackChannel:
    """Back-Channel Logout, 2.5: the provider itself posts a token; no cookie and no page of ours is involved."""

    def __init__(self, site: Site) -> None:
        self._desk = site.desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "Request-Id": arrival.read(request).request_id}
        if request.method != "POST":
            return Response(status_code=405, headers={**headers, "Allow": "POST"})
        if self._desk.federation is None:
            return Response(status_code=404, headers=headers)
        try:
            body = (await collect(request.stream(), MOST_LOGOUT_BYTES)).decode("ascii")
            name, _, token = body.partition("=")
            if name != "logout_token" or "&" in token:
                raise VouchingRefused("not one logout_token")
            await self._desk.federation.log_out(token, self._desk.now(), origin(request))
        except (VouchingRefused, ProviderFault, errors.ConsoleError, ValueError):
            return Response(status_code=400, headers=headers)
        return Response(status_code=200, headers=headers)
