"""The page where a person enters the code that a device shows, and says yes or no (RFC 8628, 3.3)."""

from __future__ import annotations

from starlette.responses import Response

from auth.errors import SpentRequest
from console.errors import CrossSite
from console.pages.page import Page
from console.pages.views import permissions
from console.pages.views.oauth.authorize import sender, visitor
from console.translate_faults import translated


async def show(page: Page) -> Response:
    """Without a code the field for it; with one the app behind it. A link with a code asks like a typed one."""
    user_code = page.query("user_code")
    if not user_code:
        return page.html("device.html", user_code="", unknown=False)
    who = visitor(page)
    assert who is not None, "the page is behind the door"
    try:
        with translated():
            waiting = await page.site.desk.endpoints.device.find(user_code, who, page.now)
    except SpentRequest:
        return page.html("device.html", status=400, user_code=user_code, unknown=True)
    catalog = page.site.desk.catalog()
    context = await page.read(
        lambda session: permissions.describe(session, waiting.client.app, waiting.scope, catalog)
    )
    return page.html("device_consent.html", context, user_code=user_code, until=waiting.until)


async def answer(page: Page) -> Response:
    given = {name: str(page.sent.get(name) or "") for name in ("user_code", "answer")}
    if given["answer"] not in ("yes", "no"):
        raise CrossSite("device form")
    who = visitor(page)
    assert who is not None, "the page is behind the door"
    yes = given["answer"] == "yes"
    try:
        with translated():
            await page.site.desk.endpoints.device.answer(
                given["user_code"], who, yes=yes, origin=sender(page), now=page.now
            )
    except SpentRequest:
        return page.html("device.html", status=400, user_code=given["user_code"], unknown=True)
    return page.see_other("/console/access", done="device-approved" if yes else "device-denied")
