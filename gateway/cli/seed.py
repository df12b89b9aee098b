"""Demo data of a fresh instance: an operator, an organisation, and an app in the sandbox that can call at once.

Each step is written down in `demo.json` in the data directory, which is private to the user who runs the
platform, and a start that was cut short is taken up where it stopped. Behind a public issuer there is only
the operator: a demo app, whose secret stands in the portal's samples, is for one's own machine.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyotp
from sqlalchemy.ext.asyncio import AsyncSession

from auth.factors import totp
from auth.origin import system
from auth.people import People
from auth.tokens import signing
from console.roles import Actor, Role, Via
from console.services import apps, credentials, organisations, subscriptions
from gateway.catalog import load as catalog_load
from gateway.catalog.model import Environment
from gateway.cli import master_key
from gateway.cli.files import write_private
from gateway.cli.output import Failure
from gateway.settings import Settings
from storage import apps as app_rows
from storage import organisations as organisation_rows
from storage import people as people_rows
from storage.database import Database
from storage.organisations import Organisation
from storage.people import Person
from storage.schema.order import in_order

FILE = "demo.json"
OPERATOR = "operator@sluss.example"
DEVELOPER = "developer@sluss.example"
ORGANISATION = "Demobolaget AB"
PLAN = "prova"
FIRST_CALL = "vardenheter/v1"


@dataclass(frozen=True, slots=True)
class Demo:
    """What `sluss up` prints. Empty strings where the instance was not seeded by us."""

    operator_email: str = ""
    operator_password: str = ""
    developer_email: str = ""
    developer_password: str = ""
    client_id: str = ""
    client_secret: str = ""
    operator_codes: str = ""  # the key of the operator's one-time codes; on one's own machine only

    def welcome(self, settings: Settings) -> str:
        base = settings.issuer
        admin = f"http://{settings.admin_listen}:{settings.admin_port}"
        lines = [
            "",
            f"  Sluss is running at {base}",
            "",
            f"  portal        {base}/portal/        (English: {base}/portal/en/)",
            f"  console       {base}/console/",
            f"  management    {base}/management/v1/openapi.json",
            f"  admin         {admin}/readyz   /metrics   /snapshot",
        ]
        if self.client_id:
            lines += [
                "",
                f"  operator      {self.operator_email}   {self.operator_password}",
                *self._second_step(),
                f"  developer     {self.developer_email}  {self.developer_password}",
                "",
                "  First call (copy, paste):",
                "",
                *(f"    {line}" for line in self.curl(base, _reference(settings)).splitlines()),
            ]
        elif self.operator_email:  # a public instance: its log is no place for a password
            lines += ["", f"  operator      {self.operator_email}, password in {settings.data_dir / FILE}"]
        return "\n".join([*lines, "", "  Ctrl-C stops all of it.", ""])

    def _second_step(self) -> list[str]:
        if not self.operator_codes:
            return []
        return [f"                second step at sign-in: sluss demo --code   (key {self.operator_codes})"]

    def curl(self, base: str, reference: bool = True) -> str:
        """A token, then a call with it; needs only a shell, curl and python3."""
        token = (
            f"TOKEN=$(curl -s -u '{self.client_id}:{self.client_secret}' "
            f"-d grant_type=client_credentials {base}/oauth2/token "
            "| python3 -c 'import json,sys; print(json.load(sys.stdin)[\"access_token\"])')"
        )
        path = f"{FIRST_CALL}/units?limit=3" if reference else "<API>/<VERSION>/<PATH>"
        return f'{token}\ncurl -s -H "Authorization: Bearer $TOKEN" "{base}/{path}"'


def _reference(settings: Settings) -> bool:
    return FIRST_CALL in catalog_load.load(settings.catalog, settings.upstream_variables).apis


def read(data_dir: Path) -> Demo:
    """What an earlier start wrote down. Raises Failure for a file that is not ours."""
    path = data_dir / FILE
    if not path.exists():
        return Demo()
    try:
        found = Demo(**json.loads(path.read_text(encoding="utf-8")))
        if not all(isinstance(value, str) for value in asdict(found).values()):
            raise TypeError("a value is no text")
    except (ValueError, TypeError) as error:
        raise Failure(f"{path} cannot be read ({error}); move it away and start again") from error
    return found


async def seed(database: Database, settings: Settings, now: int) -> Demo:
    """Make the signing keys and what is missing of the demo data. Raises Failure, CatalogFaults."""
    async with database.begin() as session:
        await in_order(session)
        key = await master_key.fitting(session, settings)
        await signing.ensure(session, key, now, system("sluss up"))
    found = read(settings.data_dir)
    if not found.operator_email and await _account(database, OPERATOR):
        return Demo()  # another data directory's: the passwords are there
    return await _Seeding(database, settings, now, key).completed(found)


async def _account(database: Database, email: str) -> Person | None:
    async with database.read() as session:
        return await people_rows.by_email(session, email)


class _Seeding:
    """One start's seeding; what is known is on disk before the database has it, but for the app's secret."""

    def __init__(self, database: Database, settings: Settings, now: int, master: bytes) -> None:
        self._master = master
        self._database = database
        self._settings = settings
        self._now = now

    async def completed(self, demo: Demo) -> Demo:
        public = self._settings.issuer.startswith("https://")
        accounts = People(self._database, master_key=self._master)
        try:
            password = demo.operator_password or secrets.token_urlsafe(15)
            demo = self._written(replace(demo, operator_email=OPERATOR, operator_password=password))
            operator = await self._person(accounts, OPERATOR, "Ola Operatör", password)
            if public:  # its operator adds a second step at the first sign-in
                return replace(demo, client_id="", client_secret="", operator_codes="")
            demo = await self._codes(accounts, demo, operator)
            password = demo.developer_password or secrets.token_urlsafe(15)
            demo = self._written(replace(demo, developer_email=DEVELOPER, developer_password=password))
            developer = await self._person(accounts, DEVELOPER, "Disa Utvecklare", password)
        finally:
            accounts.close()
        client = await self._client(demo.client_id, developer)
        if client is None:
            return demo
        return self._written(replace(demo, client_id=client[0], client_secret=client[1]))

    def _written(self, demo: Demo) -> Demo:
        write_private(self._settings.data_dir / FILE, json.dumps(asdict(demo), indent=2))
        return demo

    async def _person(self, accounts: People, email: str, name: str, password: str) -> Person:
        known = await _account(self._database, email)
        return known or await accounts.sign_up(
            email=email,
            name=name,
            password=password,
            origin=system("sluss up"),
            now=self._now,
            operator=email == OPERATOR,
        )

    async def _codes(self, accounts: People, demo: Demo, operator: Person) -> Demo:
        """An operator's acts demand two factors: on one's own machine the key stands beside the password."""
        origin = system("sluss up")
        async with self._database.read() as session:
            if await accounts.factors.enrolled(session, operator.id):
                return demo
        key = demo.operator_codes or totp.new_secret()
        demo = self._written(replace(demo, operator_codes=key))
        async with self._database.begin() as session:
            await in_order(session)
            await accounts.factors.propose(session, operator, self._now, key)
            # A code of the step before, so that the present one is still there for a first sign-in.
            code = pyotp.TOTP(key).at(self._now - totp.STEP)
            await accounts.factors.confirm(session, operator, code, self._now, origin)
        return demo

    async def _client(self, known: str, developer: Person) -> tuple[str, str] | None:
        """Client id and secret of a new demo app; None when the known one is still there."""
        actor = Actor(developer.id, operator=False, via=Via.CLI)
        async with self._database.begin() as session:
            await in_order(session)
            if known and await app_rows.by_client_id(session, known) is not None:
                return None
            owner = await self._organisation(session, actor, developer)
            app = await apps.create(
                session, actor, owner.id, name="Demoappen", environment=Environment.SANDBOX, now=self._now
            )
            await self._subscribe(session, actor, owner.id, app.id)
            issued = await credentials.create(session, actor, owner.id, app.id, now=self._now)
        return app.client_id, issued.secret

    async def _organisation(self, session: AsyncSession, actor: Actor, developer: Person) -> Organisation:
        known = await organisation_rows.by_name(session, ORGANISATION)
        if known is not None:
            return known
        made = await organisations.create(
            session,
            actor,
            name=ORGANISATION,
            number="559999-0016",
            organisation_type="company",
            now=self._now,
        )
        await organisation_rows.add_member(session, made.id, developer.id, Role.OWNER, self._now)
        return made

    async def _subscribe(
        self, session: AsyncSession, actor: Actor, organisation_id: str, app_id: str
    ) -> None:
        """To everything the free plan is offered for."""
        catalog = catalog_load.load(self._settings.catalog, self._settings.upstream_variables)
        for key, api in catalog.apis.items():
            plan = catalog.current_plans.get(PLAN)
            offered = PLAN in api.plans and api.status.callable and api.answers_in(Environment.SANDBOX)
            if offered and plan is not None and Environment.SANDBOX in plan.environments:
                await subscriptions.request(
                    session,
                    actor,
                    organisation_id,
                    app_id,
                    api=key,
                    plan=PLAN,
                    catalog=catalog,
                    now=self._now,
                )
