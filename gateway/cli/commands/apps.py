"""`sluss app`: apps, their secrets and first subscriptions. The same services as console and management API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click
from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials import initial
from console.services import apps, credentials, subscriptions
from gateway.catalog import load as catalog_load
from gateway.catalog.model import Catalog, Environment
from gateway.cli.accounts import HOST, NAME, app_named, now, organisation_named, reading, transaction
from gateway.cli.output import Failure, json_option, listed, run, show, table
from gateway.settings import Settings, load
from storage.subscriptions import Subscription

organisation_option = click.option("--org", "organisation", required=True, help="Name of the organisation.")
app_option = click.option("--app", "wanted", required=True, help="Id, client id or name of the app.")


@click.group()
def app() -> None:
    """Apps and their credentials."""


@app.command("create")
@organisation_option
@click.option("--name", required=True, type=NAME, help="Name of the app.")
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
    wanted = dict.fromkeys(_offered(catalog, api, plan) for api in apis)
    made = run(_create(settings, catalog, organisation, name, Environment(environment), list(wanted), plan))
    keys = ("client_id", "client_secret", "token_endpoint", "scope")
    waiting = [row["id"] for row in made["subscriptions"] if row["state"] == "requested"]
    lines = [f"{key:15} {made[key]}" for key in keys]
    lines += [f"waits for approval: sluss subscription approve {row}" for row in waiting]
    show(made, as_json, "\n".join(lines))


def _offered(catalog: Catalog, name: str, plan: str) -> str:
    """The key of `vardenheter` or `vardenheter/v1`; the newest major version when none is said."""
    majors = [api for api in catalog.apis.values() if name in (api.id, api.key)]
    if not majors:
        raise Failure(f"there is no API {name!r}; published are: {listed(list(catalog.apis))}")
    found = max(majors, key=lambda api: api.major)
    if plan not in catalog.current_plans:
        raise Failure(f"there is no plan {plan!r}; there are: {listed(list(catalog.current_plans))}")
    if plan not in found.plans:
        raise Failure(f"{found.key} is not offered on plan {plan!r}; it is on: {listed(found.plans)}")
    return found.key


async def _create(
    settings: Settings,
    catalog: Catalog,
    organisation: str,
    name: str,
    environment: Environment,
    apis: Sequence[str],
    plan: str,
) -> dict[str, Any]:
    async with transaction(settings) as session:
        owner = await organisation_named(session, organisation)
        made = await apps.create(session, HOST, owner.id, name=name, environment=environment, now=now())
        rows = [await _subscribe(session, owner.id, made.id, api, plan, catalog) for api in apis]
        secret = await credentials.create(session, HOST, owner.id, made.id, now=now())
        return {
            "id": made.id,
            "organisation_id": owner.id,
            "environment": str(environment),
            "client_id": made.client_id,
            "client_secret": secret.secret,
            "token_endpoint": f"{settings.issuer}/oauth2/token",
            "scope": await credentials.scope(session, owner.id, made.id, catalog),
            "subscriptions": [
                {"id": row.id, "api": row.api, "plan": row.plan, "state": row.state} for row in rows
            ],
        }


async def _subscribe(
    session: AsyncSession, organisation_id: str, app_id: str, api: str, plan: str, catalog: Catalog
) -> Subscription:
    return await subscriptions.request(
        session, HOST, organisation_id, app_id, api=api, plan=plan, catalog=catalog, now=now()
    )


@app.command("registration-token")
@organisation_option
@click.option(
    "--environment", type=click.Choice([str(e) for e in Environment]), default="sandbox", show_default=True
)
@click.option(
    "--uses", type=click.IntRange(1, 100), default=1, show_default=True, help="Apps it may register."
)
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="Days it lives.")
@json_option
def app_registration_token(organisation: str, environment: str, uses: int, days: int, as_json: bool) -> None:
    """A token by which apps register themselves (RFC 7591). It is shown this once."""
    settings = load()

    async def work() -> dict[str, Any]:
        async with transaction(settings) as session:
            owner = await organisation_named(session, organisation)
            made = await initial.issue(
                session,
                owner.id,
                environment=environment,
                uses=uses,
                days=days,
                now=now(),
                origin=HOST.origin,
            )
            return {
                "initial_access_token": made.secret.text,
                "registration_endpoint": f"{settings.issuer}/oauth2/register",
                "expires_at": made.row.expires_at,
                "uses": uses,
            }

    made = run(work())
    show(made, as_json, "\n".join(f"{key:22} {value}" for key, value in made.items()))


@app.command("list")
@organisation_option
@json_option
def app_list(organisation: str, as_json: bool) -> None:
    """The apps of an organisation."""

    async def work() -> list[dict[str, Any]]:
        async with reading(load()) as session:
            owner = await organisation_named(session, organisation)
            return [asdict(row) for row in await apps.every(session, HOST, owner.id)]

    rows = run(work())
    columns = ("id", "name", "environment", "client_id", "state")
    show(rows, as_json, table(columns, [[row[name] for name in columns] for row in rows]))


@app.command("rotate")
@organisation_option
@app_option
@click.option(
    "--overlap",
    default=credentials.USUAL_OVERLAP,
    type=click.IntRange(min=0),
    show_default=True,
    help="Seconds the old secret lives on; with 0 the app's tokens end at once, too.",
)
@json_option
def app_rotate(organisation: str, wanted: str, overlap: int, as_json: bool) -> None:
    """Give an app a new secret; the old ones end after the overlap."""

    async def work() -> dict[str, Any]:
        async with transaction(load()) as session:
            owner = await organisation_named(session, organisation)
            found = await app_named(session, owner, wanted)
            made = await credentials.rotate(
                session, HOST, owner.id, found.id, overlap_seconds=overlap, now=now()
            )
            return {"client_id": made.app.client_id, "client_secret": made.secret}

    made = run(work())
    show(made, as_json, f"client_id       {made['client_id']}\nclient_secret   {made['client_secret']}")


@app.command("suspend")
@organisation_option
@app_option
@click.option("--resume", is_flag=True, help="Let it run again instead.")
@json_option
def app_suspend(organisation: str, wanted: str, resume: bool, as_json: bool) -> None:
    """Stop an app: its tokens and secrets are refused within two seconds."""

    async def work() -> dict[str, Any]:
        async with transaction(load()) as session:
            owner = await organisation_named(session, organisation)
            found = await app_named(session, owner, wanted)
            act = apps.resume if resume else apps.suspend
            changed = await act(session, HOST, owner.id, found.id, now=now())
            return {"id": changed.id, "state": changed.state}

    changed = run(work())
    show(changed, as_json, f"{changed['id']}  {changed['state']}")
