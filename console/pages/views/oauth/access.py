"""A person's page about apps: which have access, to what and until when; and taking it back."""

from __future__ import annotations

from starlette.responses import Response

from auth.grants import consent
from console.pages.page import Page
from console.pages.views import permissions


async def show(page: Page) -> Response:
    catalog = page.site.desk.catalog()
    allowed = await page.read(lambda session: permissions.own(session, page.actor, catalog, now=page.now))
    return page.html("access.html", allowed=allowed)


async def withdraw(page: Page) -> Response:
    consent_id = page.path["consent"]
    await page.write(
        lambda session: consent.withdraw(
            session, page.actor.person_id, consent_id, page.actor.origin, page.now
        )
    )
    return page.see_other("/console/access", done="access-withdrawn")
