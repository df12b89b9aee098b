"""How a person signs in, and where they are signed in: second factors, password, sessions."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from auth.sign_in.visits import SignedIn
from console import cookies
from console.errors import ConsoleError, Invalid, TooManyTries, WrongCode, WrongPassword
from console.pages import forms
from console.pages.handling import SECURITY
from console.pages.page import Page
from console.pages.picture import qr
from console.pages.views.accounts import signed_out
from console.services import accounts
from console.services.accounts import Visit
from console.services.people import security


async def show(page: Page) -> Response:
    return await _show(page, page.blank(forms.NewPassword))


async def _show(page: Page, form: forms.NewPassword, refusal: ConsoleError | None = None) -> Response:
    visit = page.demand_visit()

    async def load(session: AsyncSession) -> dict[str, object]:
        return {
            "held": await security.overview(session, visit, page.site.desk.people.factors, now=page.now),
            "own": visit.row.id,
            "demanded": visit.person.operator and not visit.authentication.multi_factor,
        }

    context = await page.read(load)
    if refusal is not None or form.errors:
        return page.refused("security.html", form, refusal, context)
    return page.html("security.html", context, form=form)


async def propose_codes(page: Page) -> Response:
    visit = page.demand_visit()
    factors = page.site.desk.people.factors
    secret = await page.write(lambda session: factors.propose(session, visit.person, page.now))
    return _proposal(page, visit, secret)


def _proposal(page: Page, visit: Visit, secret: str, refusal: WrongCode | Invalid | None = None) -> Response:
    context = {"secret": secret, "picture": qr(security.address(visit, secret))}
    form = page.filled(forms.Code)
    if refusal is not None:
        return page.refused("new_codes.html", form, refusal, context)
    return page.html("new_codes.html", context, form=form)


async def confirm_codes(page: Page) -> Response:
    """The first code: the factor counts from now on, in this session too, which gets a new id."""
    visit = page.demand_visit()
    factors = page.site.desk.people.factors
    form = page.filled(forms.Code)

    async def work(session: AsyncSession) -> tuple[list[str], SignedIn]:
        return await security.confirm_codes(
            session, visit, factors, form.code.data or "", now=page.now, origin=accounts.nobody(page.arrival)
        )

    try:
        if not form.validate():
            raise Invalid("form")
        codes, begun = await page.write(work)
    except (WrongCode, Invalid) as refusal:
        secret = await page.read(lambda session: factors.waiting(session, visit.person))
        return _proposal(page, visit, secret, refusal)
    return show_recovery_codes(page, codes, begun)


async def remove_codes(page: Page) -> Response:
    visit = page.demand_visit()
    factors = page.site.desk.people.factors
    await page.write(
        lambda session: factors.remove_codes(session, visit.person, page.now, accounts.nobody(page.arrival))
    )
    return page.see_other(SECURITY, done="factor-removed")


async def new_recovery_codes(page: Page) -> Response:
    visit = page.demand_visit()
    factors = page.site.desk.people.factors
    codes = await page.write(
        lambda session: security.new_recovery_codes(
            session, visit, factors, now=page.now, origin=accounts.nobody(page.arrival)
        )
    )
    return show_recovery_codes(page, codes, None)


def show_recovery_codes(page: Page, codes: list[str], begun: SignedIn | None) -> Response:
    """This once. With no codes to show, on to the page they are for."""
    if codes:
        response = page.html("recovery_codes.html", security.renewed(begun), codes=codes)
    else:
        response = page.see_other(SECURITY, done="passkey-added")
    if begun is not None:
        desk = page.site.desk
        cookies.put(response, cookies.session_name(secure=desk.secure), begun.session_id, desk)
    return response


async def change_password(page: Page) -> Response:
    visit = page.demand_visit()
    form = page.filled(forms.NewPassword)
    if not form.validate():
        return await _show(page, form)
    desk = page.site.desk
    try:
        await accounts.change_password(
            desk.people,
            visit.person,
            old=form.old.data or "",
            new=form.password.data or "",
            keep=cookies.session_id(page.request, desk),
            origin=accounts.nobody(page.arrival),
            now=page.now,
        )
    except (WrongPassword, Invalid, TooManyTries) as refusal:
        return await _show(page, form, refusal)
    return page.see_other(SECURITY, done="password-changed")


async def end_session(page: Page) -> Response:
    visit = page.demand_visit()
    await page.write(
        lambda session: security.end_session(session, page.actor, page.path["session"], now=page.now)
    )
    if page.path["session"] == visit.row.id:
        return signed_out(page)
    return page.see_other(SECURITY, done="session-ended")


async def end_sessions(page: Page) -> Response:
    """Everywhere, here too."""
    await page.write(lambda session: security.end_sessions(session, page.actor, now=page.now))
    return signed_out(page)
