"""Links that came by mail: a forgotten password, an invitation."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from auth.sign_in.password_links import LIFE
from console.errors import Conflict, Invalid, LinkOver, TooManyTries
from console.letters import texts
from console.letters.post import Letter
from console.pages import forms
from console.pages.page import Page
from console.services import accounts
from console.services.people import invitations
from console.translate_faults import translated

MINUTES = LIFE // 60


async def show_forgotten(page: Page) -> Response:
    return page.html("forgotten.html", form=page.filled(forms.Address))


async def forgotten(page: Page) -> Response:
    """One answer, at once, whether the address has an account or not; the work is done after it (T34)."""
    form = page.filled(forms.Address)
    if not form.validate():
        return page.refused("forgotten.html", form)
    people = page.site.desk.people
    try:
        with translated():
            people.password_links.admit(page.now, accounts.nobody(page.arrival))
    except TooManyTries as refusal:
        return page.refused("forgotten.html", form, refusal)
    page.site.desk.post.later(_password_letter(page, form.email.data or ""))
    return page.see_other("/console/sign-in", done="letter-sent")


async def _password_letter(page: Page, email: str) -> Letter | None:
    desk = page.site.desk
    made = await desk.people.password_links.make(email, page.now, accounts.nobody(page.arrival))
    if made is None:
        return None
    person, token = made
    link = f"{desk.issuer}/console/new-password?{urlencode({'token': token})}"
    return texts.new_password(person.email, person.language, link, MINUTES)


async def show_new_password(page: Page) -> Response:
    """The link is used by the form, not by opening it: programs that read mail open links, too."""
    return await _show_new_password(page, page.query("token"), page.blank(forms.ChosenPassword))


async def _show_new_password(
    page: Page, token: str, form: forms.ChosenPassword, refusal: Invalid | TooManyTries | None = None
) -> Response:
    with translated():
        person = await page.site.desk.people.password_links.whose(token, page.now)
    if person is None:
        return page.see_other("/console/forgotten", done="link-over")
    context = {"token": token, "address": person.email}
    if refusal is not None or form.errors:
        return page.refused("new_password.html", form, refusal, context)
    return page.html("new_password.html", context, form=form)


async def new_password(page: Page) -> Response:
    token = str(page.sent.get("token", ""))[:200]
    form = page.filled(forms.ChosenPassword)
    if not form.validate():
        return await _show_new_password(page, token, form)
    try:
        with translated():
            await page.site.desk.people.password_links.use(
                token, form.password.data or "", page.now, accounts.nobody(page.arrival)
            )
    except LinkOver:
        return page.see_other("/console/forgotten", done="link-over")
    except (Invalid, TooManyTries) as refusal:
        return await _show_new_password(page, token, form, refusal)
    return page.see_other("/console/sign-in", done="password-chosen")


async def show_invitation(page: Page) -> Response:
    token = page.query("token")
    row, organisation = await page.read(
        lambda session: invitations.shown(session, page.actor, token, now=page.now)
    )
    return page.html("invitation.html", token=token, role=row.role, organisation=organisation)


async def accept_invitation(page: Page) -> Response:
    token = str(page.sent.get("token", ""))[:200]
    try:
        organisation = await page.write(
            lambda session: invitations.accept(session, page.actor, token, now=page.now)
        )
    except LinkOver:
        raise
    except Conflict:
        return page.see_other("/console/", done="member-already")
    return page.see_other(f"/console/organisations/{organisation.id}", done="invitation-accepted")
