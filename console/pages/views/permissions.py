"""What apps ask or have been allowed to do for a person, in words that the person understands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from auth.grants.scopes import ABOUT_PERSON
from console.roles import Actor
from gateway.catalog.model import Catalog, Text
from storage import apps, organisations
from storage.apps import App
from storage.oauth import consents
from storage.oauth.consents import Consent
from storage.organisations import Organisation


@dataclass(frozen=True, slots=True)
class ApiWish:
    """What an app may do with one API."""

    name: Text
    permissions: tuple[Text, ...]
    purposes: tuple[str, ...]  # as the publication says; empty: any


@dataclass(frozen=True, slots=True)
class Allowed:
    """One app with access."""

    consent: Consent
    app: App
    organisation: Organisation
    apis: tuple[ApiWish, ...]
    about: frozenset[str]  # scopes that belong to no API


async def describe(
    session: AsyncSession, app: App, wanted: frozenset[str], catalog: Catalog
) -> dict[str, object]:
    """For the consent pages."""
    return {
        "app": app,
        "organisation": await organisations.by_id(session, app.organisation_id),
        "apis": wishes(wanted, catalog),
        "about": wanted & ABOUT_PERSON,
    }


def wishes(scope: Iterable[str], catalog: Catalog) -> tuple[ApiWish, ...]:
    """By API, in the catalogue's order; a scope that is gone from it says nothing any more."""
    wanted = frozenset(scope)
    found = []
    for api in catalog.apis.values():
        named = [text for name, text in api.scopes.items() if name in wanted]
        if named:
            found.append(ApiWish(api.name, tuple(named), api.access.purposes))
    return tuple(found)


async def own(session: AsyncSession, actor: Actor, catalog: Catalog, *, now: int) -> list[Allowed]:
    """Every app the person has allowed something, newest first."""
    found = []
    for given in await consents.for_person(session, actor.person_id, now):
        app, organisation = await _whose(session, given)
        scope = frozenset(given.scope.split())
        found.append(Allowed(given, app, organisation, wishes(scope, catalog), scope & ABOUT_PERSON))
    return found


async def _whose(session: AsyncSession, given: Consent) -> tuple[App, Organisation]:
    app = await apps.any_by_id(session, given.app_id)
    organisation = None if app is None else await organisations.by_id(session, app.organisation_id)
    assert app is not None, "a foreign key: rows of apps are never removed"
    assert organisation is not None, "the same"
    return app, organisation
