"""The operator's pages: what waits, what must be stopped, and what has been done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from console.errors import Conflict, Invalid
from console.lifecycle import SubscriptionEvent
from console.pages import forms
from console.pages.page import Page
from console.services import apps, audit, organisations, subscriptions, tokens
from storage.subscriptions import Subscription

PAGE_SIZE = 50


async def start(page: Page) -> Response:
    return await _start(page, page.filled(forms.RevokeToken))


async def revoke_token(page: Page) -> Response:
    form = page.filled(forms.RevokeToken)
    if not form.validate():
        return await _start(page, form, Invalid("form"))
    try:
        await page.write(
            lambda session: tokens.revoke_text(
                session, page.actor, page.site.desk.authenticator, form.token.data or "", now=page.now
            )
        )
    except Invalid as refusal:
        return await _start(page, form, refusal)
    return page.see_other("/console/admin/", done="token-ended")


async def _start(page: Page, form: forms.RevokeToken, refusal: Invalid | None = None) -> Response:
    async def load(session: AsyncSession) -> dict[str, object]:
        every = await organisations.all_of_them(session, page.actor)
        names = {row.id: row for row in every}
        pending = await subscriptions.pending(session, page.actor)
        waiting = []
        for row in pending:
            app = await apps.get(session, page.actor, row.organisation_id, row.app_id)
            waiting.append((row, names[row.organisation_id], app))
        return {"organisations": every, "waiting": waiting}

    context = await page.read(load)
    if refusal is not None:
        return page.refused("admin.html", form, refusal, context)
    return page.html("admin.html", context, form=form)


async def show_organisation(page: Page) -> Response:
    return await _show_organisation(page)


async def _show_organisation(page: Page, refusal: Conflict | None = None) -> Response:
    async def load(session: AsyncSession) -> dict[str, object]:
        organisation_id = page.path["organisation"]
        rows = await subscriptions.of_organisation(session, page.actor, organisation_id)
        found = await apps.every(session, page.actor, organisation_id)
        open_rows: dict[str, list[Subscription]] = {app.id: [] for app in found}
        for row in rows:
            if row.state != "closed" and row.app_id in open_rows:
                open_rows[row.app_id].append(row)
        return {
            "organisation": await organisations.get(session, page.actor, organisation_id),
            "apps": [(app, open_rows[app.id]) for app in found],
        }

    context = await page.read(load)
    if refusal is not None:
        return page.refused("admin_organisation.html", page.blank(forms.Empty), refusal, context)
    return page.html("admin_organisation.html", context)


async def _then(page: Page, work: Callable[[AsyncSession], Awaitable[object]], done: str) -> Response:
    """An act on one organisation, and back to its page."""
    try:
        await page.write(work)
    except Conflict as refusal:
        return await _show_organisation(page, refusal)
    return page.see_other(f"/console/admin/organisations/{page.path['organisation']}", done=done)


async def suspend_app(page: Page) -> Response:
    organisation_id, app_id = page.path["organisation"], page.path["app"]
    return await _then(
        page,
        lambda session: apps.suspend(session, page.actor, organisation_id, app_id, now=page.now),
        "app-suspended",
    )


async def resume_app(page: Page) -> Response:
    organisation_id, app_id = page.path["organisation"], page.path["app"]
    return await _then(
        page,
        lambda session: apps.resume(session, page.actor, organisation_id, app_id, now=page.now),
        "app-resumed",
    )


async def close_subscription(page: Page) -> Response:
    organisation_id, subscription_id = page.path["organisation"], page.path["subscription"]
    return await _then(
        page,
        lambda session: subscriptions.close(
            session, page.actor, organisation_id, subscription_id, now=page.now
        ),
        "subscription-closed",
    )


async def disable(page: Page) -> Response:
    return await _set_disabled(page, disabled=True)


async def enable(page: Page) -> Response:
    return await _set_disabled(page, disabled=False)


async def _set_disabled(page: Page, *, disabled: bool) -> Response:
    organisation_id = page.path["organisation"]
    return await _then(
        page,
        lambda session: organisations.disable(
            session, page.actor, organisation_id, disabled=disabled, now=page.now
        ),
        "organisation-disabled" if disabled else "organisation-enabled",
    )


async def approve(page: Page) -> Response:
    return await _decide(page, SubscriptionEvent.APPROVE, "subscription-approved")


async def decline(page: Page) -> Response:
    return await _decide(page, SubscriptionEvent.DECLINE, "subscription-declined")


async def _decide(page: Page, event: SubscriptionEvent, done: str) -> Response:
    await page.write(
        lambda session: subscriptions.decide(
            session, page.actor, page.path["subscription"], event, now=page.now
        )
    )
    return page.see_other("/console/admin/", done=done)


async def show_audit(page: Page) -> Response:
    before = page.query("before")
    walk = page.query("verify") == "1"  # walks the whole log, so only when asked
    before_seq = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None

    async def load(session: AsyncSession) -> dict[str, object]:
        return {
            "entries": await audit.latest(session, page.actor, limit=PAGE_SIZE, before_seq=before_seq),
            "verified": await audit.verify(session, page.actor) if walk else None,
            "page_size": PAGE_SIZE,
        }

    return page.html("admin_audit.html", await page.read(load))
