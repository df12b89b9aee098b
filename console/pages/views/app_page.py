"""Everything the page of one app shows, read in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials import rotation
from console.pages import chart
from console.pages.chart import Day, Gauge
from console.pages.page import Page
from console.roles import Act, allowed
from console.services import apps, credentials, organisations, periods, subscriptions, usage
from console.services.offers import offers_for
from console.services.standing import roles_in
from gateway.catalog.model import Catalog
from storage.apps import App
from storage.credentials import Credential
from storage.subscriptions import Subscription

SHOWN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Subscribed:
    """One open subscription with what the catalogue knows about it."""

    row: Subscription
    api_name: str
    plan_name: str
    day: Gauge | None
    month: Gauge | None


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the checklist, ticked by what has really happened."""

    name: str
    done: bool


async def load(session: AsyncSession, page: Page) -> dict[str, object]:
    organisation_id, app_id = page.path["organisation"], page.path["app"]
    organisation = await organisations.get(session, page.actor, organisation_id)
    app = await apps.get(session, page.actor, organisation_id, app_id)
    roles = await roles_in(session, page.actor, organisation_id)
    may = {act.value for act in Act if allowed(roles, act)}
    held: list[Credential] = []
    if Act.CREDENTIAL_READ in may:
        held = await credentials.of_app(session, page.actor, organisation_id, app_id)
    rows = await subscriptions.of_app(session, page.actor, organisation_id, app_id)
    catalog = page.site.desk.catalog()
    days = await recent_days(session, page, app_id)
    offers = offers_for(catalog, environment=app.environment, organisation_type=organisation.type)
    taken = {row.api for row in rows if row.state != "closed"}
    return {
        "organisation": organisation,
        "app": app,
        "may": may,
        "live": rotation.live(held, page.now),
        "ended": [row for row in held if row not in rotation.live(held, page.now)],
        "subscribed": await _subscribed(session, page, app, rows, catalog),
        "closed": [row for row in rows if row.state == "closed"],
        "offers": [offer for offer in offers if offer.api.key not in taken],
        "example": _example(catalog, rows),
        "days": days,
        "bars": chart.bars(days),
        "steps": steps(held, rows, days, page.now),
        "scope": await credentials.scope(session, organisation_id, app_id, catalog),
        "token_endpoint": page.site.desk.token_endpoint,
        "issuer": page.site.desk.issuer,
        "wanted_offer": f"{page.query('api')} {page.query('plan') or 'prova'}",
    }


async def recent_days(session: AsyncSession, page: Page, app_id: str) -> list[Day]:
    period = periods.last_days(page.now, SHOWN_DAYS)
    figures = await usage.figures(
        session, page.actor, page.path["organisation"], period, by=("day", "outcome"), app_id=app_id
    )
    return chart.days_of(figures, period)


def steps(held: list[Credential], rows: list[Subscription], days: list[Day], now: int) -> list[Step]:
    """From nothing to the first call, as the app's own rows say it."""
    return [
        Step("app", True),
        Step("secret", bool(rotation.live(held, now))),
        Step("subscription", any(row.state == "active" for row in rows)),
        Step("token", any(row.last_used_at is not None for row in held)),
        Step("call", any(day.calls for day in days)),
    ]


async def _subscribed(
    session: AsyncSession, page: Page, app: App, rows: list[Subscription], catalog: Catalog
) -> list[Subscribed]:
    language = page.arrival.language
    today = await _units(session, page, app, periods.last_days(page.now, 1))
    month = await _units(session, page, app, periods.this_month(page.now))
    found = []
    for row in rows:
        if row.state == "closed":
            continue
        api = catalog.apis.get(row.api)
        plan = catalog.plans.get(f"{row.plan}@{row.plan_version}")
        found.append(
            Subscribed(
                row,
                api.name[language] if api else row.api,
                plan.name[language] if plan else row.plan,
                _gauge(plan.per_day if plan else None, today.get(row.id, 0)),
                _gauge(plan.per_month if plan else None, month.get(row.id, 0)),
            )
        )
    return found


async def _units(session: AsyncSession, page: Page, app: App, period: periods.Period) -> Mapping[str, int]:
    figures = await usage.figures(
        session, page.actor, app.organisation_id, period, by=("subscription", "outcome"), app_id=app.id
    )
    return {row.subscription_id or "": row.units for row in figures if row.outcome == "served"}


def _gauge(limit: int | None, used: int) -> Gauge | None:
    return None if limit is None else Gauge(used, limit)


def _example(catalog: Catalog, rows: list[Subscription]) -> str | None:
    """An address to try: the first operation of a subscribed API that only reads and needs nothing filled in."""
    for row in rows:
        api = catalog.apis.get(row.api)
        if api is None or row.state != "active":
            continue
        for operation in api.operations:
            if operation.method == "GET" and "{" not in operation.path:
                return f"{api.base}{operation.path}"
    return None
