"""A person's page about apps: which have access, to what and until when; and taking it back."""

from __future__ import annotations

from starlette.responses import Response

from console.pages.page import Page
from console.services import authorizations


async def show(page: Page) -> Response:
    catalog = page.site.desk.catalog()
    allowed = await page.read(lambda session: authorizations.own(session, page.actor, catalog, now=page.now))
    return page.html("access.html", allowed=allowed)


async def withdraw(page: Page) -> Response:
    consent_id = page.path["consent"]
    await page.write(lambda session: authorizations.withdraw(session, page.actor, consent_id, now=page.now))
    return page.see_other("/console/access", done="access-withdrawn")
