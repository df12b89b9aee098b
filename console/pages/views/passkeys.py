"""Passkeys on the pages. Options are asked for by the script when a button is pressed, never put into a page: each is
a challenge that is stored for five minutes.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from auth.factors.passkeys import LONGEST_ANSWER
from auth.sign_in.visits import SignedIn
from console import cookies
from console.errors import Conflict, PasskeyRefused, SignInOver, WrongPassword
from console.pages import forms
from console.pages.handling import SECURITY
from console.pages.page import Page
from console.pages.views.accounts import entered, next_of
from console.pages.views.security import show_recovery_codes
from console.services import accounts
from console.services.people import security
from console.translate_faults import translated


async def sign_in_options(page: Page) -> Response:
    desk = page.site.desk
    with translated():
        return _json(
            await desk.passkey_sign_in.question(_browser(page), page.now, accounts.nobody(page.arrival))
        )


async def sign_in(page: Page) -> Response:
    desk = page.site.desk
    try:
        with translated():
            begun = await desk.passkey_sign_in.sign_in(
                _browser(page),
                _answer(page),
                page.now,
                accounts.nobody(page.arrival),
                cookies.session_id(page.request, desk) or None,
            )
    except (PasskeyRefused, WrongPassword) as refusal:
        form = page.blank(forms.SignIn)
        return page.refused("sign_in.html", form, _plain(refusal), next=next_of(page))
    return entered(page, begun, next_of(page))


async def code_options(page: Page) -> Response:
    desk = page.site.desk
    with translated():
        return _json(
            await desk.passkey_sign_in.second_question(
                cookies.session_id(page.request, desk), page.now, accounts.nobody(page.arrival)
            )
        )


async def enter(page: Page) -> Response:
    """As the second step, in place of a code."""
    desk = page.site.desk
    try:
        with translated():
            begun = await desk.passkey_sign_in.second_step(
                cookies.session_id(page.request, desk), _answer(page), page.now, accounts.nobody(page.arrival)
            )
    except SignInOver:
        return page.see_other("/console/sign-in", next=next_of(page), done="sign-in-over")
    except PasskeyRefused as refusal:
        form = page.blank(forms.Code)
        return page.refused("sign_in_code.html", form, refusal, next=next_of(page))
    return entered(page, begun, next_of(page))


async def options(page: Page) -> Response:
    visit = page.demand_visit()
    passkeys = page.site.desk.passkeys
    return _json(await page.write(lambda session: passkeys.registration(session, visit.person, page.now)))


async def add(page: Page) -> Response:
    """A factor from now on, in this session too; the first one brings recovery codes."""
    visit = page.demand_visit()
    desk = page.site.desk

    async def work(session: AsyncSession) -> tuple[list[str], SignedIn]:
        return await security.add_passkey(
            session,
            visit,
            desk.people.factors,
            desk.passkeys,
            _answer(page),
            name=page.arrival.agent or "Passkey",
            now=page.now,
            origin=accounts.nobody(page.arrival),
        )

    try:
        codes, begun = await page.write(work)
    except PasskeyRefused:
        return page.see_other(SECURITY, done="passkey-refused")
    except Conflict:
        return page.see_other(SECURITY, done="passkey-known")
    return show_recovery_codes(page, codes, begun)


async def remove(page: Page) -> Response:
    visit = page.demand_visit()
    desk = page.site.desk
    await page.write(
        lambda session: security.remove_passkey(
            session,
            visit,
            desk.people.factors,
            desk.passkeys,
            page.path["passkey"],
            now=page.now,
            origin=accounts.nobody(page.arrival),
        )
    )
    return page.see_other(SECURITY, done="factor-removed")


def _browser(page: Page) -> str:
    """What only this browser has: an answer caught elsewhere is worth nothing here."""
    return page.visit.row.id_hash if page.visit else page.form_seed


def _answer(page: Page) -> str:
    return str(page.sent.get("credential", ""))[: LONGEST_ANSWER + 1]


def _plain(refusal: PasskeyRefused | WrongPassword) -> PasskeyRefused:
    return refusal if isinstance(refusal, PasskeyRefused) else PasskeyRefused("account")


def _json(text: str) -> Response:
    return Response(
        text,
        media_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )
