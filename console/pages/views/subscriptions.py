"""Subscribing an app, and ending that."""

from __future__ import annotations

from starlette.responses import Response

from console.errors import AgainstRules, Conflict
from console.pages import forms
from console.pages.page import Page
from console.pages.views.apps import show_with
from console.services import subscriptions


async def request(page: Page) -> Response:
    form = page.filled(forms.Subscribe)
    if not form.validate():
        return await show_with(page, form)
    api, plan = form.api_and_plan()
    try:
        made = await page.write(
            lambda session: subscriptions.request(
                session,
                page.actor,
                page.path["organisation"],
                page.path["app"],
                api=api,
                plan=plan,
                catalog=page.site.desk.catalog(),
                now=page.now,
            )
        )
    except (AgainstRules, Conflict) as refusal:
        return await show_with(page, form, refusal)
    return page.see_other(_home(page), done=f"subscription-{made.state}")


async def close(page: Page) -> Response:
    try:
        await page.write(
            lambda session: subscriptions.close(
                session, page.actor, page.path["organisation"], page.path["subscription"], now=page.now
            )
        )
    except Conflict as refusal:
        return await show_with(page, refusal=refusal)
    return page.see_other(_home(page), done="subscription-closed")


def _home(page: Page) -> str:
    return f"/console/organisations/{page.path['organisation']}/apps/{page.path['app']}"
