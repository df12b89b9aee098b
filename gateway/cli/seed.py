"""Demo data of a fresh instance: an operator, an organisation, and an app in the sandbox that can call at once.

Written once, in one transaction; a second start reads it back from `demo.json` in the data directory, which
is private to the user who runs the platform. Behind a public issuer there is only the operator: a demo app,
whose secret stands in the portal's samples, is for one's own machine.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from auth.origin import system
from auth.people import People
from auth.tokens import signing, vault
from console.roles import Actor, Role, Via
from console.services import apps, credentials, organisations, subscriptions
from gateway.catalog import load as catalog_load
from gateway.catalog.model import Environment
from gateway.cli.files import write_private
from gateway.settings import Settings
from storage import organisations as organisation_rows
from storage import people as people_rows
from storage.database import Database
from storage.people import Person

FILE = "demo.json"
OPERATOR = "operator@sluss.example"
DEVELOPER = "developer@sluss.example"
PLAN = "prova"


@dataclass(frozen=True, slots=True)
class Demo:
    """What `sluss up` prints. Empty strings where the instance was not seeded by us."""

    operator_email: str = ""
    operator_password: str = ""
    developer_email: str = ""
    developer_password: str = ""
    client_id: str = ""
    client_secret: str = ""

    def welcome(self, settings: Settings) -> str:
        base = settings.issuer
        lines = [
            "",
            f"  Sluss is running at {base}",
            "",
            f"  portal        {base}/portal/        (English: {base}/portal/en/)",
            f"  console       {base}/console/",
            f"  management    {base}/management/v1/openapi.json",
            f"  admin         http://{settings.admin_listen}:{settings.admin_port}/readyz   /metrics   /snapshot",
        ]
        if self.client_id:
            lines += [
                "",
                f"  operator      {self.operator_email}   {self.operator_password}",
                f"  developer     {self.developer_email}  {self.developer_password}",
                "",
                "  First call (copy, paste):",
                "",
                *(f"    {line}" for line in self.curl(base).splitlines()),
            ]
        return "\n".join([*lines, "", "  Ctrl-C stops all of it.", ""])

    def curl(self, base: str) -> str:
        """A token, then a call with it; needs only a shell, curl and python3."""
        return (
            f"TOKEN=$(curl -s -u '{self.client_id}:{self.client_secret}' "
            f"-d grant_type=client_credentials {base}/oauth2/token "
            "| python3 -c 'import json,sys; print(json.load(sys.stdin)[\"access_token\"])')\n"
            f'curl -s -H "Authorization: Bearer $TOKEN" "{base}/vardenheter/v1/units?limit=3"'
        )


def read(data_dir: Path) -> Demo:
    path = data_dir / FILE
    return Demo(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else Demo()


async def seed(database: Database, settings: Settings, now: int) -> Demo:
    """Make demo data and the signing keys, or give back what an earlier start made."""
    found = read(settings.data_dir)
    if not found.client_id and not await _has_operator(database):
        found = await _make(database, settings, now)
        write_private(settings.data_dir / FILE, json.dumps(asdict(found), indent=2))
    master_key = vault.load_or_create_master_key(settings.master_key_path)
    async with database.begin() as session:
        await signing.ensure(session, master_key, now, system("sluss up"))
    return found


async def _has_operator(database: Database) -> bool:
    async with database.read() as session:
        return await people_rows.by_email(session, OPERATOR) is not None


async def _make(database: Database, settings: Settings, now: int) -> Demo:
    accounts = People(database)
    try:
        password = secrets.token_urlsafe(15)
        await _person(accounts, OPERATOR, "Ola Operatör", password, now)
        demo = Demo(operator_email=OPERATOR, operator_password=password)
        if settings.issuer.startswith("https://"):
            return demo
        password = secrets.token_urlsafe(15)
        developer = await _person(accounts, DEVELOPER, "Disa Utvecklare", password, now)
    finally:
        accounts.close()
    client_id, secret = await _app(database, settings, developer, now)
    return replace(
        demo,
        developer_email=DEVELOPER,
        developer_password=password,
        client_id=client_id,
        client_secret=secret,
    )


async def _person(accounts: People, email: str, name: str, password: str, now: int) -> Person:
    return await accounts.sign_up(
        email=email,
        name=name,
        password=password,
        origin=system("sluss up"),
        now=now,
        operator=email == OPERATOR,
    )


async def _app(database: Database, settings: Settings, developer: Person, now: int) -> tuple[str, str]:
    """An organisation with one app that subscribes to everything the free plan is offered for."""
    catalog = catalog_load.load(settings.catalog, settings.upstream_variables)
    actor = Actor(developer.id, operator=False, via=Via.CLI)
    async with database.begin() as session:
        owner = await organisations.create(
            session, actor, name="Demobolaget AB", number="559999-0016", organisation_type="company", now=now
        )
        app = await apps.create(
            session, actor, owner.id, name="Demoappen", environment=Environment.SANDBOX, now=now
        )
        for key, api in catalog.apis.items():
            if PLAN in api.plans and api.status.callable:
                await subscriptions.request(
                    session, actor, owner.id, app.id, api=key, plan=PLAN, catalog=catalog, now=now
                )
        issued = await credentials.create(session, actor, owner.id, app.id, now=now)
        await organisation_rows.add_member(session, owner.id, developer.id, Role.OWNER, now)
    return app.client_id, issued.secret
