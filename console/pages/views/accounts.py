"""Sign up, sign in, sign out."""

from __future__ import annotations

from starlette.responses import Response

from auth.people import SignedIn
from console import cookies
from console.errors import Conflict, Invalid, TooManyTries, WrongPassword
from console.pages import forms
from console.pages.local_path import local
from console.pages.page import Page
from console.services import accounts

REFUSALS = (Invalid, Conflict, WrongPassword, TooManyTries)


async def show_sign_up(page: Page) -> Response:
    if page.visit:
        return page.see_other(_next(page))
    return page.html("sign_up.html", form=page.filled(forms.SignUp), next=_next(page))


async def sign_up(page: Page) -> Response:
    """Signs in at once with what was typed, so the password is checked by the one way there is."""
    form = page.filled(forms.SignUp)
    if not form.validate():
        return page.refused("sign_up.html", form, next=_next(page))
    origin = accounts.nobody(page.arrival.ip, page.arrival.request_id)
    try:
        await accounts.sign_up(
            page.site.desk.people,
            email=form.email.data or "",
            name=form.name.data or "",
            password=form.password.data or "",
            language=page.arrival.language,
            origin=origin,
            now=page.now,
        )
    except REFUSALS as refusal:
        return page.refused("sign_up.html", form, refusal, next=_next(page))
    begun = await _begin(page, form.email.data or "", form.password.data or "")
    return _signed_in(page, begun)


async def show_sign_in(page: Page) -> Response:
    if page.visit and not page.query("again"):  # an app may want a person to show anew who they are
        return page.see_other(_next(page))
    hint = page.query("login_hint")
    return page.html("sign_in.html", form=page.filled(forms.SignIn, email=hint), next=_next(page))


async def sign_in(page: Page) -> Response:
    form = page.filled(forms.SignIn)
    if not form.validate():
        return page.refused("sign_in.html", form, next=_next(page))
    try:
        begun = await _begin(page, form.email.data or "", form.password.data or "")
    except REFUSALS as refusal:
        return page.refused("sign_in.html", form, refusal, next=_next(page))
    return _signed_in(page, begun)


async def sign_out(page: Page) -> Response:
    """Ends the session on the server, whatever becomes of the cookie."""
    desk = page.site.desk
    await accounts.sign_out(
        desk.people, cookies.session_id(page.request, desk), origin=page.actor.origin, now=page.now
    )
    response = page.see_other("/console/sign-in", done="signed-out")
    cookies.drop(response, cookies.session_name(secure=desk.secure), desk)
    return response


async def _begin(page: Page, email: str, password: str) -> SignedIn:
    desk = page.site.desk
    return await accounts.sign_in(
        desk.people,
        email=email,
        password=password,
        origin=accounts.nobody(page.arrival.ip, page.arrival.request_id),
        now=page.now,
        previous=cookies.session_id(page.request, desk) or None,
    )


def _signed_in(page: Page, begun: SignedIn) -> Response:
    desk = page.site.desk
    response = page.see_other(_next(page))
    cookies.put(response, cookies.session_name(secure=desk.secure), begun.session_id, desk)
    cookies.drop(response, cookies.form_name(secure=desk.secure), desk)
    return response


def _next(page: Page) -> str:
    """From the form when it was posted, else from the link; local paths only."""
    given = page.sent.get("next") if page.request.method == "POST" else page.request.query_params.get("next")
    return local(given if isinstance(given, str) else None)
