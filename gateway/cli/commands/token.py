"""`sluss token`: access tokens without an app's secret, for development on one's own machine."""

from __future__ import annotations

import click

from auth.tokens import issue, signing
from console.services import credentials
from gateway.catalog import load as catalog_load
from gateway.catalog.model import Environment
from gateway.cli import master_key
from gateway.cli.accounts import app_named, now, organisation_named, reading
from gateway.cli.commands.apps import app_option, organisation_option
from gateway.cli.output import Failure, json_option, run, show
from gateway.settings import Settings, load
from storage import signing_keys

LONGEST_SECONDS = 86_400


@click.group()
def token() -> None:
    """Access tokens, for development only."""


@token.command("issue")
@organisation_option
@app_option
@click.option("--scope", default="", help="Scopes, separated by spaces; default all the app may ask for.")
@click.option(
    "--seconds",
    default=issue.LIFE,
    type=click.IntRange(1, LONGEST_SECONDS),
    show_default=True,
    help="Life of the token.",
)
@json_option
def token_issue(organisation: str, wanted: str, scope: str, seconds: int, as_json: bool) -> None:
    """Sign a token for a sandbox app without its secret. Refused where the issuer is public (https)."""
    settings = load()
    if not settings.issuer.startswith("http://"):
        raise Failure(
            f"this command is for development, and the issuer {settings.issuer} is public; "
            "ask /oauth2/token with the app's secret"
        )
    made, scopes = run(_sign(settings, organisation, wanted, scope, seconds))
    show(
        {"access_token": made, "token_type": "Bearer", "expires_in": seconds, "scope": scopes}, as_json, made
    )


async def _sign(
    settings: Settings, organisation: str, wanted: str, scope: str, seconds: int
) -> tuple[str, str]:
    catalog = catalog_load.load(settings.catalog, settings.upstream_variables)
    async with reading(settings) as session:
        owner = await organisation_named(session, organisation)
        found = await app_named(session, owner, wanted)
        if found.environment != Environment.SANDBOX:
            raise Failure(f"the app {wanted!r} is in {found.environment}; tokens are signed for the sandbox")
        scopes = scope or await credentials.scope(session, owner.id, found.id, catalog)
        subject = issue.Subject(found.client_id, found.client_id, owner.id, found.id, found.environment)
        claims = issue.access_token_claims(
            subject, scopes.split(), issuer=settings.issuer, audience=settings.issuer,
            token_id=issue.new_token_id(), now=now(), life=seconds,
        )  # fmt: skip
        rows = await signing_keys.all_published(session)
        if not rows:
            raise Failure("there are no signing keys yet; `sluss up` or `sluss keys rotate` makes them")
        master = await master_key.fitting(session, settings)
    return issue.sign(claims, signing.unlock(signing.chosen(rows, now()), master)), scopes
