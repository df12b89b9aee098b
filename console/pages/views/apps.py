"""Making an app, its page, its secrets and its end."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response
from wtforms import Form

from console.errors import Conflict, ConsoleError, Forbidden, Invalid
from console.pages import forms
from console.pages.page import Page
from console.pages.views import app_page
from console.services import apps, credentials, organisations
from console.services.credentials import IssuedSecret
from gateway.catalog.model import Environment


async def show_new(page: Page) -> Response:
    context = await _new_context(page)
    return page.html("new_app.html", context, form=page.filled(forms.NewApp, environment="sandbox"))


async def create(page: Page) -> Response:
    """The app and its first secret in one step: the answer to this post is the only page that shows it."""
    form = page.filled(forms.NewApp)
    organisation_id = page.path["organisation"]
    context = await _new_context(page)
    if not form.validate():
        return page.refused("new_app.html", form, None, context)

    async def work(session: AsyncSession) -> IssuedSecret:
        app = await apps.create(
            session,
            page.actor,
            organisation_id,
            name=form.name.data or "",
            environment=Environment(form.environment.data),
            now=page.now,
        )
        return await credentials.create(session, page.actor, organisation_id, app.id, now=page.now)

    try:
        issued = await page.write(work)
    except (Invalid, Conflict) as refusal:
        return page.refused("new_app.html", form, refusal, context)
    return _secret_page(page, issued, created=True)


async def show(page: Page) -> Response:
    return await show_with(page)


async def show_with(page: Page, form: Form | None = None, refusal: ConsoleError | None = None) -> Response:
    """The app's page; `form` and `refusal` when one of its forms was refused."""
    context = await page.read(lambda session: app_page.load(session, page))
    shown = {
        "subscribe": page.blank(forms.Subscribe, offer=context["wanted_offer"]),
        "rotate": page.blank(forms.Rotate, overlap="86400"),
        **context,
    }
    if form is None and refusal is None:
        return page.html("app.html", shown)
    return page.refused("app.html", form or page.blank(forms.Empty), refusal, shown)


async def create_credential(page: Page) -> Response:
    try:
        issued = await page.write(
            lambda session: credentials.create(session, page.actor, *_app(page), now=page.now)
        )
    except Conflict as refusal:
        return await show_with(page, refusal=refusal)
    return _secret_page(page, issued)


async def rotate(page: Page) -> Response:
    form = page.filled(forms.Rotate)
    if not form.validate():
        return await show_with(page, form)
    overlap = int(form.overlap.data)
    try:
        issued = await page.write(
            lambda session: credentials.rotate(
                session, page.actor, *_app(page), overlap_seconds=overlap, now=page.now
            )
        )
    except Conflict as refusal:
        return await show_with(page, refusal=refusal)
    return _secret_page(page, issued, old_end=page.now + overlap)


async def revoke_credential(page: Page) -> Response:
    try:
        await page.write(
            lambda session: credentials.revoke(
                session, page.actor, *_app(page), page.path["credential"], now=page.now
            )
        )
    except Conflict as refusal:
        return await show_with(page, refusal=refusal)
    return page.see_other(_home(page), done="secret-ended")


async def show_delete(page: Page) -> Response:
    context = await page.read(lambda session: app_page.load(session, page))
    if "app.delete" not in context["may"]:  # type: ignore[operator]  # a set of texts
        raise Forbidden("app.delete")
    return page.html("delete_app.html", context)


async def delete(page: Page) -> Response:
    await page.write(lambda session: apps.delete(session, page.actor, *_app(page), now=page.now))
    return page.see_other(f"/console/organisations/{page.path['organisation']}", done="app-deleted")


async def _new_context(page: Page) -> dict[str, object]:
    organisation = await page.read(
        lambda session: organisations.get(session, page.actor, page.path["organisation"])
    )
    return {"organisation": organisation, "wanted": {"api": page.query("api"), "plan": page.query("plan")}}


def _secret_page(
    page: Page, issued: IssuedSecret, *, created: bool = False, old_end: int | None = None
) -> Response:
    wanted = {name: page.query(name) for name in ("api", "plan") if page.query(name)}
    return page.html(
        "secret.html",
        issued=issued,
        created=created,
        old_end=old_end,
        wanted=wanted,
        token_endpoint=page.site.desk.token_endpoint,
        home=f"/console/organisations/{issued.app.organisation_id}/apps/{issued.app.id}",
    )


def _app(page: Page) -> tuple[str, str]:
    return page.path["organisation"], page.path["app"]


def _home(page: Page) -> str:
    return f"/console/organisations/{page.path['organisation']}/apps/{page.path['app']}"
