"""A person's own tokens for the management API."""

from __future__ import annotations

from starlette.responses import Response

from console.errors import Conflict
from console.pages import forms
from console.pages.page import Page
from console.services import personal_tokens


async def show(page: Page) -> Response:
    return await _show(page, page.filled(forms.NewPersonalToken, days=90))


async def create(page: Page) -> Response:
    form = page.filled(forms.NewPersonalToken)
    if not form.validate():
        return await _show(page, form, refused=True)
    name, days = form.name.data or "", form.days.data or 90
    try:
        issued = await page.write(
            lambda session: personal_tokens.create(session, page.actor, name=name, days=days, now=page.now)
        )
    except Conflict as refusal:
        return await _show(page, form, refusal, refused=True)
    return page.html("personal_token.html", issued=issued, issuer=page.site.desk.issuer)


async def revoke(page: Page) -> Response:
    await page.write(
        lambda session: personal_tokens.revoke(session, page.actor, page.path["token"], now=page.now)
    )
    return page.see_other("/console/tokens", done="token-ended")


async def _show(
    page: Page, form: forms.NewPersonalToken, refusal: Conflict | None = None, *, refused: bool = False
) -> Response:
    rows = await page.read(lambda session: personal_tokens.own(session, page.actor))
    live = [row for row in rows if personal_tokens.is_live(row, page.now)]
    if refused:
        return page.refused("personal_tokens.html", form, refusal, live=live)
    return page.html("personal_tokens.html", form=form, live=live)
