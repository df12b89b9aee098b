"""Commands on accounts: organisations, apps, subscriptions, usage. The same services as console and API."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import click
from sqlalchemy.ext.asyncio import AsyncSession

from console import periods
from console.errors import ConsoleError
from console.lifecycle import SubscriptionEvent
from console.roles import Actor, Via
from console.services import apps, credentials, organisations, subscriptions
from console.services import usage as usage_service
from gateway.catalog import load as catalog_load
from gateway.catalog.model import Catalog, Environment
from gateway.cli.output import Failure, json_option, run, show, table
from gateway.settings import Settings, load
from storage import organisations as organisation_rows
from storage.database import Database
from storage.organisations import Organisation

HOST = Actor(person_id="host", operator=True, via=Via.CLI)


@asynccontextmanager
async def transaction(settings: Settings) -> AsyncIterator[AsyncSession]:
    """One transaction of one command; a refusal becomes a Failure and leaves nothing behind."""
    database = Database(settings.database_url)
    try:
        async with database.begin() as session:
            yield session
    except ConsoleError as error:
        fields = "".join(f"\n  {fault.field}: {fault.en}" for fault in getattr(error, "fields", ()))
        raise Failure(f"{error.en}{fields}") from error
    finally:
        await database.close()


def now() -> int:
    return int(time.time())


async def organisation_named(session: AsyncSession, name: str) -> Organisation:
    found = await organisation_rows.by_name(session, name) or await organisation_rows.by_id(session, name)
    if found is None:
        raise Failure(f"there is no organisation {name!r}; make it with: sluss org create --name {name!r}")
    return found


@click.group()
def org() -> None:
    """Organisations."""


@org.command("create")
@click.option("--name", required=True, help="Name, unique on this platform.")
@click.option(
    "--number", default="", help="Organisation number, ten digits; may wait for a test organisation."
)
@click.option("--type", "kind", type=click.Choice(organisations.TYPES), default="company", show_default=True)
@json_option
def org_create(name: str, number: str, kind: str, as_json: bool) -> None:
    """Create an organisation."""

    async def work() -> Organisation:
        async with transaction(load()) as session:
            return await organisations.create(
                session, HOST, name=name, number=number, organisation_type=kind, now=now()
            )

    made = run(work())
    show(asdict(made), as_json, f"{made.id}  {made.name}")


@click.group()
def app() -> None:
    """Apps and their credentials."""


def _api_key(catalog: Catalog, name: str) -> str:
    """`vardenheter` or `vardenheter/v1`; the newest major version when none is said."""
    if name in catalog.apis:
        return name
    majors = [api for api in catalog.apis.values() if api.id == name]
    if not majors:
        raise Failure(f"there is no API {name!r}; published are: {', '.join(sorted(catalog.apis))}")
    return max(majors, key=lambda api: api.major).key


@app.command("create")
@click.option("--org", "organisation", required=True, help="Name of the organisation.")
@click.option("--name", required=True, help="Name of the app.")
@click.option(
    "--environment", type=click.Choice([str(e) for e in Environment]), default="sandbox", show_default=True
)
@click.option("--api", "apis", multiple=True, help="API to subscribe to; may be given several times.")
@click.option("--plan", default="prova", show_default=True, help="Plan of the subscriptions.")
@json_option
def app_create(
    organisation: str, name: str, environment: str, apis: Sequence[str], plan: str, as_json: bool
) -> None:
    """Create an app with a secret and its subscriptions. The secret is shown this once."""
    settings = load()
    catalog = catalog_load.load(settings.catalog, settings.upstream_variables)

    async def work() -> dict[str, Any]:
        async with transaction(settings) as session:
            owner = await organisation_named(session, organisation)
            made = await apps.create(
                session, HOST, owner.id, name=name, environment=Environment(environment), now=now()
            )
            rows = [
                await subscriptions.request(
                    session,
                    HOST,
                    owner.id,
                    made.id,
                    api=_api_key(catalog, api),
                    plan=plan,
                    catalog=catalog,
                    now=now(),
                )
                for api in apis
            ]
            secret = await credentials.create(session, HOST, owner.id, made.id, now=now())
            scope = await credentials.scope(session, owner.id, made.id, catalog)
            return {
                "id": made.id,
                "organisation_id": owner.id,
                "environment": environment,
                "client_id": made.client_id,
                "client_secret": secret.secret,
                "token_endpoint": f"{settings.issuer}/oauth2/token",
                "scope": scope,
                "subscriptions": [
                    {"id": row.id, "api": row.api, "plan": row.plan, "state": row.state} for row in rows
                ],
            }

    made = run(work())
    keys = ("client_id", "client_secret", "token_endpoint", "scope")
    show(made, as_json, "\n".join(f"{key:15} {made[key]}" for key in keys))


@app.command("rotate")
@click.option("--org", "organisation", required=True, help="Name of the organisation.")
@click.option("--app", "app_id", required=True, help="Id or name of the app.")
@click.option(
    "--overlap", default=credentials.USUAL_OVERLAP, show_default=True, help="Seconds the old secret lives on."
)
@json_option
def app_rotate(organisation: str, app_id: str, overlap: int, as_json: bool) -> None:
    """Give an app a new secret; the old ones end after the overlap."""

    async def work() -> dict[str, Any]:
        async with transaction(load()) as session:
            owner = await organisation_named(session, organisation)
            found = await _app(session, owner.id, app_id)
            made = await credentials.rotate(
                session, HOST, owner.id, found, overlap_seconds=overlap, now=now()
            )
            return {"client_id": made.app.client_id, "client_secret": made.secret}

    made = run(work())
    show(made, as_json, f"client_id       {made['client_id']}\nclient_secret   {made['client_secret']}")


async def _app(session: AsyncSession, organisation_id: str, wanted: str) -> str:
    for found in await apps.every(session, HOST, organisation_id):
        if wanted in (found.id, found.name, found.client_id):
            return found.id
    raise Failure(f"the organisation has no app {wanted!r}")


@app.command("suspend")
@click.option("--org", "organisation", required=True, help="Name of the organisation.")
@click.option("--app", "app_id", required=True, help="Id, name or client id of the app.")
@click.option("--resume", is_flag=True, help="Let it run again instead.")
@json_option
def app_suspend(organisation: str, app_id: str, resume: bool, as_json: bool) -> None:
    """Stop an app: its tokens and secrets are refused within two seconds."""

    async def work() -> dict[str, Any]:
        async with transaction(load()) as session:
            owner = await organisation_named(session, organisation)
            found = await _app(session, owner.id, app_id)
            act = apps.resume if resume else apps.suspend
            changed = await act(session, HOST, owner.id, found, now=now())
            return {"id": changed.id, "state": changed.state}

    changed = run(work())
    show(changed, as_json, f"{changed['id']}  {changed['state']}")


@click.group()
def subscription() -> None:
    """Subscriptions of apps to APIs."""


def _decide(subscription_id: str, event: SubscriptionEvent, as_json: bool) -> None:
    async def work() -> dict[str, Any]:
        async with transaction(load()) as session:
            changed = await subscriptions.decide(session, HOST, subscription_id, event, now=now())
            return {"id": changed.id, "api": changed.api, "state": changed.state}

    changed = run(work())
    show(changed, as_json, f"{changed['id']}  {changed['api']}  {changed['state']}")


@subscription.command("approve")
@click.argument("subscription_id")
@json_option
def subscription_approve(subscription_id: str, as_json: bool) -> None:
    """Approve a subscription that waits."""
    _decide(subscription_id, SubscriptionEvent.APPROVE, as_json)


@subscription.command("close")
@click.argument("subscription_id")
@json_option
def subscription_close(subscription_id: str, as_json: bool) -> None:
    """Close a subscription; its calls are refused within two seconds."""
    _decide(subscription_id, SubscriptionEvent.CLOSE, as_json)


@subscription.command("list")
@click.option(
    "--org", "organisation", default="", help="Name of the organisation; without it, those that wait."
)
@json_option
def subscription_list(organisation: str, as_json: bool) -> None:
    """List subscriptions."""

    async def work() -> list[dict[str, Any]]:
        async with transaction(load()) as session:
            if not organisation:
                return [asdict(row) for row in await subscriptions.pending(session, HOST)]
            owner = await organisation_named(session, organisation)
            return [asdict(row) for row in await subscriptions.of_organisation(session, HOST, owner.id)]

    rows = run(work())
    columns = ("id", "app_id", "api", "plan", "state")
    show(rows, as_json, table(columns, [[row[name] for name in columns] for row in rows]))


@click.group()
def usage() -> None:
    """Usage as the ledger has it."""


@usage.command("show")
@click.option("--org", "organisation", required=True, help="Name of the organisation.")
@click.option(
    "--from", "start", default=None, help="First day, as 2026-11-01; default the first of this month."
)
@click.option("--to", "end", default=None, help="Last day.")
@click.option(
    "--by", default="api,outcome", show_default=True, help=f"Groups: {', '.join(usage_service.GROUPS)}."
)
@json_option
def usage_show(organisation: str, start: str | None, end: str | None, by: str, as_json: bool) -> None:
    """Units and calls of an organisation."""
    groups = tuple(filter(None, by.split(",")))
    wrong = set(groups) - set(usage_service.GROUPS)
    if wrong:
        raise click.BadParameter(f"unknown groups {', '.join(sorted(wrong))}", param_hint="--by")

    async def work() -> list[dict[str, Any]]:
        async with transaction(load()) as session:
            owner = await organisation_named(session, organisation)
            period = periods.read(start, end, now())
            if period is None:
                raise Failure("--from and --to must be dates such as 2026-11-01, the first before the last")
            found = await usage_service.figures(session, HOST, owner.id, period, by=groups)
            return [asdict(figure) for figure in found]

    rows = run(work())
    names = {"app": "app_id", "subscription": "subscription_id", "hour": "at", "day": "at"}
    columns = [*(names.get(group, group) for group in groups), "units", "calls"]
    show(rows, as_json, table(columns, [[row[name] for name in columns] for row in rows]))
