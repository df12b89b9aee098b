"""Made-up tenants for the storage tests."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from storage import apps, organisations, people, subscriptions
from storage.apps import App
from storage.database import Database
from storage.organisations import Organisation
from storage.people import Person
from storage.subscriptions import Subscription

NOW = 1_800_000_000


@dataclass(frozen=True, slots=True)
class Tenant:
    organisation: Organisation
    person: Person
    app: App

    @property
    def id(self) -> str:
        return self.organisation.id


async def person(session: AsyncSession, email: str) -> Person:
    return await people.add(session, email=email, name="Åsa Öberg", password_hash="$argon2id$x", now=NOW)


async def tenant(database: Database, name: str = "Vårdbolaget") -> Tenant:
    """An organisation with one owner and one sandbox app."""
    async with database.begin() as session:
        owner = await person(session, f"owner@{name.replace(' ', '-')}.example")
        organisation = await organisations.add(
            session, name=name, number="556000-0000", type="company", now=NOW
        )
        await organisations.add_member(session, organisation.id, owner.id, "owner", NOW)
        app = await apps.add(session, organisation.id, name="App", environment="sandbox", now=NOW)
    return Tenant(organisation, owner, app)


async def two_tenants(database: Database) -> tuple[Tenant, Tenant]:
    """Us, and the others whose things must stay theirs."""
    return await tenant(database, "Vi"), await tenant(database, "De andra")


async def subscribe(
    session: AsyncSession, who: Tenant, *, api: str = "behov/v1", state: str = "active"
) -> Subscription:
    return await subscriptions.add(
        session, who.id, who.app.id, api=api, plan="prova", plan_version=1, state=state, now=NOW
    )
