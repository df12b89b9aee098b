"""Sluss with every stage on: one edge process in front of a catalogue of 200 operations.

What the control plane would have made is written straight to a database of the run's own: an organisation, an
app with a subscription to every API, a signing key, and one token that outlives the run.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from importlib.metadata import version

from auth.tokens.issue import Subject, access_token_claims, new_token_id, sign
from auth.tokens.signing import generate, unlock
from storage import apps, migrate, organisations, signing_keys, subscriptions
from storage.database import Database
from tests.bench import publications
from tests.bench.candidate import Bench, Running, Target
from tests.bench.machine import START_SECONDS, NotStarted, Process, free_port

TOKEN_LIFE = 3600
CALLED = 100  # the publication that is called
SCOPES = (CALLED - 1, CALLED, CALLED + 1)  # a client asks for what it uses, not for all it may


@dataclass(frozen=True, slots=True)
class Sluss:
    name: str = "Sluss"
    does: str = "route of 200, token, scope, subscription, rate, quota, metrics, access record"

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return version("sluss")

    def start(self, bench: Bench) -> Running:
        catalogue, data, port = bench.folder / "catalogue", bench.folder / "data", free_port()
        publications.write(catalogue)
        data.mkdir()
        issuer, database_url = f"http://localhost:{port}", f"sqlite:///{data / 'sluss.db'}"
        migrate.upgrade(database_url)
        token = asyncio.run(_prepare(database_url, issuer))
        # Named one by one, so that no setting of the shell that runs the bench reaches the candidate.
        environment = {
            "SLUSS_DATA_DIR": str(data),
            "SLUSS_PORT": str(port),
            "SLUSS_LISTEN": "127.0.0.1",
            "SLUSS_ADMIN_PORT": str(free_port()),
            "SLUSS_CONTROL_PORT": str(free_port()),
            "SLUSS_ISSUER": issuer,
            "SLUSS_DATABASE_URL": database_url,
            "SLUSS_REDIS_URL": "",
            "SLUSS_CATALOG": str(catalogue),
            "SLUSS_EDGE_PROCESSES": "1",
            "SLUSS_ACCESS_LOG": str(bench.folder / "access.log"),
            publications.UPSTREAM_VARIABLE: f"http://127.0.0.1:{bench.upstream_port}",
        }
        target = Target(
            port, f"/{publications.api_id(CALLED)}/v1/units/42", {"Authorization": f"Bearer {token}"}
        )
        command = [sys.executable, "-m", "gateway", "serve", "edge"]
        process = Process(command, core=bench.core, log=bench.folder / "edge.log", environment=environment)
        try:
            process.wait_until_it_answers(port)
            _wait_until_it_serves(target, process)
        except BaseException:  # Ctrl-C too: nothing may go on running
            process.stop()
            raise
        return Running(target, process, silent=True)


def _wait_until_it_serves(target: Target, process: Process) -> None:
    """The first answer of 200 shows that every stage lets the call pass. Raises NotStarted."""
    end = time.monotonic() + START_SECONDS
    request = urllib.request.Request(target.url, headers=dict(target.headers))
    while True:
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
        except OSError as error:
            said = str(error)
        if time.monotonic() > end:
            raise NotStarted(f"the call does not pass: {said} {process.written()}")
        time.sleep(0.1)


async def _prepare(database_url: str, issuer: str) -> str:
    """Fill the database; the token."""
    now = int(time.time())
    master_key = secrets.token_bytes(32)
    key = generate(master_key)
    database = Database(database_url)
    try:
        async with database.begin() as session:
            organisation = await organisations.add(
                session, name="Bench", number="5560000001", type="company", now=now
            )
            app = await apps.add(session, organisation.id, name="Bench", environment="sandbox", now=now)
            for number in range(publications.COUNT):
                await subscriptions.add(
                    session,
                    organisation.id,
                    app.id,
                    api=publications.api_key(number),
                    plan=publications.PLAN,
                    plan_version=publications.PLAN_VERSION,
                    state="active",
                    now=now,
                )
            row = await signing_keys.add(
                session,
                kid=key.kid,
                algorithm=key.algorithm,
                public_jwk=key.public_jwk,
                private_encrypted=key.private_encrypted,
                state="active",
                now=now,
            )
    finally:
        await database.close()
    claims = access_token_claims(
        Subject(app.client_id, app.client_id, organisation.id, app.id, app.environment),
        [publications.scope(number) for number in SCOPES],
        issuer=issuer,
        audience=issuer,
        token_id=new_token_id(),
        now=now,
        life=TOKEN_LIFE,
    )
    return sign(claims, unlock(row, master_key))
