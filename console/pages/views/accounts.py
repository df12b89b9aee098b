"""Sign up, sign in, sign out."""

from __future__ import annotations

from starlette.responses import Response

from auth.sign_in.visits import Halfway, SignedIn
from console import cookies
from console.errors import Conflict, Invalid, SignInOver, TooManyTries, WrongCode, WrongPassword
from console.pages import forms
from console.pages.handling import SECURITY
from console.pages.local_path import local
from console.pages.page import Page
from console.services import accounts

REFUSALS = (Invalid, Conflict, WrongPassword, TooManyTries)
CODE = "/console/sign-in/code"


async def show_sign_up(page: Page) -> Response:
    if page.visit:
        return page.see_other(next_of(page))
    return page.html("sign_up.html", form=page.filled(forms.SignUp), next=next_of(page))


async def sign_up(page: Page) -> Response:
    """Signs in at once with what was typed, so the password is checked by the one way there is."""
    form = page.filled(forms.SignUp)
    if not form.validate():
        return page.refused("sign_up.html", form, next=next_of(page))
    try:
        await accounts.sign_up(
            page.site.desk.people,
            email=form.email.data or "",
            name=form.name.data or "",
            password=form.password.data or "",
            language=page.arrival.language,
            origin=accounts.nobody(page.arrival),
            now=page.now,
        )
    except REFUSALS as refusal:
        return page.refused("sign_up.html", form, refusal, next=next_of(page))
    return entered(page, await _begin(page, form.email.data or "", form.password.data or ""), next_of(page))


async def show_sign_in(page: Page) -> Response:
    """With `again` also for who is signed in: an app, or some act, demands that one shows anew who one is."""
    if page.visit and page.query("again") != "1":
        return page.see_other(next_of(page))
    hint = page.query("login_hint")
    return page.html("sign_in.html", form=page.filled(forms.SignIn, email=hint), next=next_of(page))


async def sign_in(page: Page) -> Response:
    form = page.filled(forms.SignIn)
    if not form.validate():
        return page.refused("sign_in.html", form, next=next_of(page))
    try:
        begun = await _begin(page, form.email.data or "", form.password.data or "")
    except REFUSALS as refusal:
        return page.refused("sign_in.html", form, refusal, next=next_of(page))
    return entered(page, begun, next_of(page))


async def show_code(page: Page) -> Response:
    """The second step, for the browser that has just taken the first."""
    if await _waiting(page) is None:
        return page.see_other("/console/sign-in", next=next_of(page))
    return page.html("sign_in_code.html", form=page.filled(forms.Code), next=next_of(page))


async def enter_code(page: Page) -> Response:
    form = page.filled(forms.Code)
    if not form.validate():
        return page.refused("sign_in_code.html", form, next=next_of(page))
    desk = page.site.desk
    try:
        begun = await accounts.second_step(
            desk.people,
            cookies.session_id(page.request, desk),
            form.code.data or "",
            origin=accounts.nobody(page.arrival),
            now=page.now,
        )
    except SignInOver:
        return page.see_other("/console/sign-in", next=next_of(page), done="sign-in-over")
    except (WrongCode, TooManyTries) as refusal:
        return page.refused("sign_in_code.html", form, refusal, next=next_of(page))
    return entered(page, begun, next_of(page))


async def sign_out(page: Page) -> Response:
    """Ends the session on the server, whatever becomes of the cookie."""
    desk = page.site.desk
    await accounts.sign_out(
        desk.people, cookies.session_id(page.request, desk), origin=page.actor.origin, now=page.now
    )
    return signed_out(page)


def signed_out(page: Page) -> Response:
    desk = page.site.desk
    response = page.see_other("/console/sign-in", done="signed-out")
    cookies.drop(response, cookies.session_name(secure=desk.secure), desk)
    return response


def entered(page: Page, begun: SignedIn | Halfway, next_path: str) -> Response:
    """On to where the visitor was going: by the second step, or, where a role demands one that is not there yet, by
    the page that adds it."""
    desk = page.site.desk
    name = cookies.session_name(secure=desk.secure)
    if isinstance(begun, Halfway):
        response = page.see_other(CODE, next=next_path)
        cookies.put(response, name, begun.sign_in_id, desk)
        return response
    if begun.person.operator and not accounts.shown_two(begun):
        response = page.see_other(SECURITY, done="second-factor-demanded")
    else:
        response = page.see_other(next_path)
    cookies.put(response, name, begun.session_id, desk)
    cookies.drop(response, cookies.form_name(secure=desk.secure), desk)
    return response


async def _waiting(page: Page) -> object | None:
    desk = page.site.desk
    return await accounts.waiting(desk.people, cookies.session_id(page.request, desk), now=page.now)


async def _begin(page: Page, email: str, password: str) -> SignedIn | Halfway:
    desk = page.site.desk
    return await accounts.sign_in(
        desk.people,
        email=email,
        password=password,
        origin=accounts.nobody(page.arrival),
        now=page.now,
        previous=cookies.session_id(page.request, desk) or None,
    )


def next_of(page: Page) -> str:
    """From the form when it was posted, else from the link; local paths only."""
    given = page.sent.get("next") if page.request.method == "POST" else page.request.query_params.get("next")
    return local(given if isinstance(given, str) else None)
