"""How an app proves itself and where it is answered: the page over its client metadata. The rules are the service's.

What the page has no field for stays as it is; the management API changes the rest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from auth.profiles import PROFILES
from console.errors import Conflict, Invalid
from console.pages import forms
from console.pages.page import Page
from console.services import apps, clients, organisations
from storage.clients import ClientMetadata


async def show(page: Page) -> Response:
    context = await page.read(lambda session: _load(session, page))
    client = cast(ClientMetadata, context["client"])
    return page.html("client.html", context, form=page.filled(forms.Client, **_preset(client)))


async def replace_client(page: Page) -> Response:
    form = page.filled(forms.Client)
    context = await page.read(lambda session: _load(session, page))
    if not form.validate():
        return page.refused("client.html", form, None, context)
    wanted = _wanted(form, cast(ClientMetadata, context["client"]))
    organisation_id, app_id = page.path["organisation"], page.path["app"]
    try:
        await page.write(
            lambda session: clients.put(session, page.actor, organisation_id, wanted, now=page.now)
        )
    except (Invalid, Conflict) as refusal:
        return page.refused("client.html", form, refusal, context)
    return page.see_other(f"/console/organisations/{organisation_id}/apps/{app_id}", done="client-changed")


async def _load(session: AsyncSession, page: Page) -> dict[str, object]:
    organisation_id, app_id = page.path["organisation"], page.path["app"]
    return {
        "organisation": await organisations.get(session, page.actor, organisation_id),
        "app": await apps.get(session, page.actor, organisation_id, app_id),
        "client": await clients.get(session, page.actor, organisation_id, app_id),
        "profiles": PROFILES,
    }


def _preset(client: ClientMetadata) -> dict[str, object]:
    return {
        **{name: getattr(client, name) or "" for name in forms.CLIENT_TEXTS},
        **{name: "\n".join(getattr(client, name)) for name in forms.CLIENT_LISTS},
        **{name: getattr(client, name) for name in forms.CLIENT_FLAGS},
    }


def _wanted(form: forms.Client, before: ClientMetadata) -> ClientMetadata:
    texts = {name: (form[name].data or "").strip() or None for name in forms.CLIENT_TEXTS}
    lists = {name: tuple((form[name].data or "").split()) for name in forms.CLIENT_LISTS}
    flags = {name: bool(form[name].data) for name in forms.CLIENT_FLAGS}
    return replace(before, **{**texts, **lists, **flags})  # type: ignore[arg-type]  # by name, each of its kind
