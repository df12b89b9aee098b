"""A platform of real processes for one test: edges, control plane, worker and the reference backends.

Accounts are made through the same services as the console's, straight in the database; everything else goes
over HTTP. Every process has its own log in the folder, shown when something does not start.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import httpx

from auth.origin import system
from auth.tokens import issue, signing, vault
from console.roles import Actor, Via
from console.services import apps, credentials, organisations, subscriptions
from gateway.catalog import load as catalog_load
from gateway.catalog.model import Environment
from storage import changes, signing_keys, usage
from storage.database import Database
from tests.parts.process import free_port

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 90.0  # a bound for a machine with much else to do; it fails at once when the process is gone
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reading the system's authorities costs 40 ms a client
BACKENDS = ("eko", "behov")
HOST = Actor("host", operator=True, via=Via.CLI)

PLAN = """
  - id: {id}
    version: 1
    name: {{ sv: {id}, en: {id} }}
    summary: {{ sv: Plan för prov, en: A plan for tests }}
    fee: 0
    included: 0
    tiers: [{{ above: 0, pricePer1000: 100 }}]
    rate: {{ {rate} }}
    quota: {{ {quota} }}
    countersAway: {away}
    environments: [sandbox, production]
    organisationTypes: [company, research, authority, internal]
"""
FAST = "requests: 1000, seconds: 1, burst: 1000"
WIDE = "day: 10000, month: 100000, atEnd: refuse"
FIFTY = "day: 50, month: 100000, atEnd: refuse"
# The ids are those that the reference publications offer; here they mean other limits.
PLANS = "plans:" + "".join(
    PLAN.format(id=name, rate=rate, quota=quota, away=away)
    for name, rate, quota, away in (
        ("prova", FAST, WIDE, "closed"),
        ("innovation", FAST, FIFTY, "closed"),
        ("forskning", "requests: 1, seconds: 10, burst: 5", WIDE, "closed"),
        ("leverantor", FAST, "day: 50, month: 500, atEnd: bill", "closed"),
        ("intern", FAST, WIDE, "open"),
    )
)


@dataclass(frozen=True, slots=True)
class Client:
    """An app that may call."""

    organisation_id: str
    app_id: str
    client_id: str
    secret: str
    scopes: str
    subscriptions: dict[str, str] = field(default_factory=dict)  # API key → subscription id


class Platform:
    def __init__(self, folder: Path, database_url: str, redis_url: str | None = None, edges: int = 1) -> None:
        self.folder = folder
        self.database_url = database_url
        self.ports = [free_port() for _ in range(edges)]
        self.admin_ports = [free_port() for _ in range(edges)]
        self.control_port = free_port()
        self.issuer = f"http://localhost:{self.ports[0]}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.backends = {name: free_port() for name in BACKENDS}
        self.catalog = folder / "catalog"
        self.environment = {
            # Compiled once and not by every process anew: half a second of a processor each.
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith("SLUSS_") and name != "PYTHONDONTWRITEBYTECODE"
            },
            "SLUSS_DATA_DIR": str(folder / "data"),
            "SLUSS_LISTEN": "127.0.0.1",
            "SLUSS_CONTROL_PORT": str(self.control_port),
            "SLUSS_ISSUER": self.issuer,
            "SLUSS_DATABASE_URL": database_url,
            "SLUSS_REDIS_URL": redis_url or "",
            "SLUSS_CATALOG": str(self.catalog),
            "SLUSS_DRAIN_SECONDS": "10",
            "PYTHONWARNINGS": "default",
            **{
                f"SLUSS_UPSTREAM_{name.upper()}": f"http://127.0.0.1:{port}"
                for name, port in self.backends.items()
            },
        }
        self._write_catalog()
        (folder / "data").mkdir()
        self.master_key = vault.load_or_create_master_key(folder / "data" / "master.key")

    def _write_catalog(self) -> None:
        self.catalog.mkdir()
        (self.catalog / "plans.yaml").write_text(PLANS)
        for name in BACKENDS:
            target = self.catalog / name
            target.mkdir()
            for file in (ROOT / "backends" / name).glob("*.yaml"):
                shutil.copy(file, target)

    # --- processes

    def start(self, *, control: bool = False) -> Self:
        self.run(self._first_keys())
        for name in BACKENDS:
            self.spawn(name, [sys.executable, "-m", f"backends.{name}", "--port", str(self.backends[name])])
        if control:
            self.spawn("control", [sys.executable, "-m", "gateway", "serve", "control"])
        for number in range(len(self.ports)):
            self.spawn_edge(number)
        for number in range(len(self.ports)):
            self.wait_for_edge(number)
        for name, port in self.backends.items():
            self.wait(partial(_answers, f"http://127.0.0.1:{port}/_count"), name)
        if control:
            self.wait(lambda: _answers(f"http://127.0.0.1:{self.control_port}/oauth2/jwks"), "control")
        return self

    def start_edge(self, number: int = 0) -> None:
        self.spawn_edge(number)
        self.wait_for_edge(number)

    def spawn_edge(self, number: int = 0) -> None:
        own = {
            "SLUSS_PORT": str(self.ports[number]),
            "SLUSS_ADMIN_PORT": str(self.admin_ports[number] - number),  # the process adds its number
            "SLUSS_ACCESS_LOG": self.environment.get(
                "SLUSS_ACCESS_LOG", str(self.folder / f"access-{number}.log")
            ),
        }
        command = [sys.executable, "-m", "gateway", "serve", "edge", "--process", str(number)]
        self.spawn(f"edge-{number}", command, own)

    def wait_for_edge(self, number: int = 0) -> None:
        name = f"edge-{number}"
        self.wait(lambda: _answers(f"http://127.0.0.1:{self.admin_ports[number]}/readyz"), name)
        self.wait(lambda: _answers(f"http://127.0.0.1:{self.ports[number]}/", any_status=True), name)

    def spawn(self, name: str, command: Sequence[str], own: dict[str, str] | None = None) -> None:
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                command, env={**self.environment, **(own or {})}, cwd=ROOT, stdout=log, stderr=log
            )

    def wait(self, ready: Callable[[], bool], name: str = "") -> None:
        until = time.monotonic() + START_SECONDS
        while not ready():
            process = self.processes.get(name)
            gone = process is not None and process.poll() is not None
            if gone or time.monotonic() > until:
                raise AssertionError(f"{name or 'it'} did not happen:\n{self.log(name)}")
            time.sleep(0.02)

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes.pop(name).wait()

    def stop(self) -> None:
        for name in sorted(self.processes, key=lambda name: not name.startswith("edge")):
            self.processes[name].send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    # --- accounts

    def run(self, work: Coroutine[object, object, T]) -> T:
        return asyncio.run(work)

    async def _first_keys(self) -> None:
        async with _opened(self.database_url) as database, database.begin() as session:
            await signing.ensure(session, self.master_key, int(time.time()) - 60, system("test"))

    def client(
        self,
        apis: Sequence[str] = ("eko/v1",),
        plan: str = "prova",
        environment: Environment = Environment.SANDBOX,
    ) -> Client:
        """A new organisation with one app on one plan, known to every edge when this returns."""
        return self.clients(1, apis, plan, environment)[0]

    def clients(
        self,
        count: int,
        apis: Sequence[str] = ("eko/v1",),
        plan: str = "prova",
        environment: Environment = Environment.SANDBOX,
    ) -> list[Client]:
        """Several of them, at the price of one wait."""
        made = [self.run(self._client(apis, plan, environment)) for _ in range(count)]
        self.settled()
        return made

    async def _client(self, apis: Sequence[str], plan: str, environment: Environment) -> Client:
        catalog = catalog_load.load([self.catalog], self.environment)
        now = int(time.time())
        async with _opened(self.database_url) as database, database.begin() as session:
            owner = await organisations.create(
                session,
                HOST,
                name=f"Org {time.time_ns()}",
                number="559999-0008",
                organisation_type="company",
                now=now,
            )
            app = await apps.create(session, HOST, owner.id, name="App", environment=environment, now=now)
            held = {
                api: (
                    await subscriptions.request(
                        session, HOST, owner.id, app.id, api=api, plan=plan, catalog=catalog, now=now
                    )
                ).id
                for api in apis
            }
            secret = await credentials.create(session, HOST, owner.id, app.id, now=now)
            scopes = await credentials.scope(session, owner.id, app.id, catalog)
        return Client(owner.id, app.id, app.client_id, secret.secret, scopes, held)

    def token(
        self, client: Client, *, scopes: str | None = None, environment: str = "sandbox", life: int = 300
    ) -> str:
        """A token as the authorization server would sign it."""
        return self.run(self._token(client, scopes, environment, life))

    async def _token(self, client: Client, scopes: str | None, environment: str, life: int) -> str:
        now = int(time.time())
        async with _opened(self.database_url) as database, database.read() as session:
            rows = await signing_keys.all_published(session)
        subject = issue.Subject(
            client.client_id, client.client_id, client.organisation_id, client.app_id, environment
        )
        claims = issue.access_token_claims(
            subject, (client.scopes if scopes is None else scopes).split(),
            issuer=self.issuer, audience=self.issuer, token_id=issue.new_token_id(), now=now, life=life,
        )  # fmt: skip
        return issue.sign(claims, signing.unlock(signing.chosen(rows, now), self.master_key))

    def settled(self) -> None:
        """Returns when every edge runs on the database's present change number."""
        wanted = self.run(self._version())
        for port in self.admin_ports[: sum(name.startswith("edge") for name in self.processes)]:
            self.wait(partial(_has_snapshot, port, wanted))

    async def _version(self) -> int:
        async with _opened(self.database_url) as database, database.read() as session:
            return await changes.current(session)

    def ledger(self, client: Client) -> dict[str, int]:
        """Calls in the ledger by outcome."""
        return self.run(self._ledger(client))

    async def _ledger(self, client: Client) -> dict[str, int]:
        now = int(time.time())
        async with _opened(self.database_url) as database, database.read() as session:
            rows = await usage.totals(
                session, client.organisation_id, start=now - 7200, end=now + 3600, by=("outcome",)
            )
        return {str(row.outcome): row.calls for row in rows}

    # --- calls

    def url(self, path: str, edge: int = 0) -> str:
        return f"http://localhost:{self.ports[edge]}{path}"

    def get(
        self, path: str, token: str | None = None, headers: Mapping[str, str] | None = None, *, edge: int = 0
    ) -> httpx.Response:
        sent = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token is not None else {})
        return httpx.get(self.url(path, edge), headers=sent, timeout=10, verify=PLAIN, trust_env=False)

    def seen(self, backend: str = "eko") -> int:
        """Requests that the backend itself has answered."""
        found = httpx.get(f"http://127.0.0.1:{self.backends[backend]}/_count", verify=PLAIN, trust_env=False)
        return int(found.json()["total"])

    def metric(self, name: str, edge: int = 0) -> float:
        page = httpx.get(
            f"http://127.0.0.1:{self.admin_ports[edge]}/metrics", verify=PLAIN, trust_env=False
        ).text
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(name))


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


def _answers(url: str, *, any_status: bool = False) -> bool:
    try:
        return httpx.get(url, timeout=2, verify=PLAIN, trust_env=False).status_code == 200 or any_status
    except httpx.HTTPError:
        return False


def _has_snapshot(port: int, wanted: int) -> bool:
    found = httpx.get(f"http://127.0.0.1:{port}/snapshot", verify=PLAIN, trust_env=False).json()
    return int(found["version"]) >= wanted
