"""Commands of the operator: migrate, doctor, keys, audit, token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import click
import redis.asyncio
from redis.exceptions import RedisError

from auth.errors import AuthError
from auth.origin import system
from auth.tokens import issue, signing, vault
from gateway.catalog import load as catalog_load
from gateway.catalog.errors import CatalogFaults
from gateway.cli.manage import now, organisation_named, transaction
from gateway.cli.output import Failure, json_option, run, show, table
from gateway.settings import SETTINGS, Settings, SettingsFault, load
from storage import apps as app_rows
from storage import audit as audit_rows
from storage import migrate as migrations
from storage import signing_keys
from storage.database import Database
from storage.errors import StorageError

CLOCK_SKEW_SECONDS = 2.0


@click.command()
@json_option
def migrate(as_json: bool) -> None:
    """Bring the database to this version's tables. Safe to repeat, safe beside the previous version."""
    settings = load()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    before = migrations.current(settings.database_url)
    migrations.upgrade(settings.database_url)
    after = migrations.current(settings.database_url)
    show(
        {"before": before, "after": after},
        as_json,
        f"database at {after}" + ("" if before != after else ", as before"),
    )


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    ok: bool
    says: str
    mend: str = ""


@click.command(
    help="Check settings, database, Redis, keys, catalogue and clock, and say how to mend what is wrong.\n\n"
    + "\b\nSettings:\n"
    + "\n".join(
        f"  {setting.name:24} {setting.meaning} [{setting.default or 'none'}]" for setting in SETTINGS
    )
)
@json_option
def doctor(as_json: bool) -> None:
    try:
        settings = load()
    except SettingsFault as fault:
        findings = [
            Finding("settings", False, text, "correct it in the environment or sluss.toml")
            for text in fault.faults
        ]
    else:
        findings = [Finding("settings", True, "read"), *run(_examine(settings))]
    text = "\n".join(
        f"{'ok   ' if found.ok else 'FAULT'} {found.what}: {found.says}"
        + (f"\n      → {found.mend}" if found.mend else "")
        for found in findings
    )
    show([asdict(found) for found in findings], as_json, text)
    if not all(found.ok for found in findings):
        raise Failure("something needs mending; see above")


async def _examine(settings: Settings) -> list[Finding]:
    return [
        _catalogue(settings),
        await asyncio.to_thread(_schema, settings),
        await _keys(settings),
        await _redis(settings),
        _disk(settings),
    ]


def _catalogue(settings: Settings) -> Finding:
    try:
        found = catalog_load.load(settings.catalog, settings.upstream_variables)
    except CatalogFaults as faults:
        return Finding("catalogue", False, str(faults), "run `sluss api lint FOLDER` after each correction")
    return Finding("catalogue", True, f"{len(found.apis)} APIs, {len(found.plans)} plan versions")


def _schema(settings: Settings) -> Finding:
    try:
        current, head = migrations.current(settings.database_url), migrations.head()
    except (StorageError, OSError) as error:
        return Finding(
            "database", False, f"does not answer ({error})", "check SLUSS_DATABASE_URL and that it runs"
        )
    if current != head:
        return Finding("database", False, f"at {current}, this version needs {head}", "run `sluss migrate`")
    return Finding("database", True, f"answers, at {current}")


async def _keys(settings: Settings) -> Finding:
    mend = "restore master.key in the data directory from its backup, or rotate: `sluss keys rotate`"
    database = Database(settings.database_url)
    try:
        master = vault.load_or_create_master_key(settings.master_key_path)
        async with database.read() as session:
            rows = await signing_keys.all_published(session)
        if not rows:
            return Finding("keys", True, "none yet; the first start makes them")
        signing.unlock(signing.chosen(rows, now()), master)
    except AuthError as error:
        return Finding("keys", False, f"{error.en} {error.detail}", mend)
    except (StorageError, OSError) as error:
        return Finding(
            "keys",
            False,
            f"cannot be read ({error})",
            "run `sluss migrate`; check the data directory's owner",
        )
    finally:
        await database.close()
    return Finding("keys", True, ", ".join(f"{row.kid[:8]}… {row.state}" for row in rows))


async def _redis(settings: Settings) -> Finding:
    if settings.redis_url is None:
        return Finding("redis", True, "none set: counters in process, one edge process")
    client = redis.asyncio.from_url(settings.redis_url, socket_timeout=2.0, socket_connect_timeout=2.0)
    try:
        seconds, micros = await client.time()
        skew = abs(time.time() - (seconds + micros / 1e6))
    except (RedisError, OSError) as error:
        return Finding("redis", False, f"does not answer ({error})", "check SLUSS_REDIS_URL and that it runs")
    finally:
        await client.aclose()
    if not skew <= CLOCK_SKEW_SECONDS:
        return Finding(
            "clock", False, f"this machine and Redis differ by {skew:.1f} s", "let NTP set both clocks"
        )
    return Finding("redis", True, f"answers, clocks differ by {skew * 1000:.0f} ms")


def _disk(settings: Settings) -> Finding:
    probe = settings.data_dir / ".doctor"
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as error:
        return Finding(
            "data directory", False, str(error), f"make {settings.data_dir} writable, or free some space"
        )
    return Finding("data directory", True, f"{settings.data_dir} can be written")


@click.group()
def keys() -> None:
    """The keys that sign access tokens."""


async def _with_keys(settings: Settings, work: Callable[..., Any]) -> list[dict[str, Any]]:
    async with transaction(settings) as session:
        await work(session)
        rows = await signing_keys.all_published(session)
        return [{"kid": row.kid, "algorithm": row.algorithm, "state": row.state} for row in rows]


@keys.command("rotate")
@json_option
def keys_rotate(as_json: bool) -> None:
    """Let the next key sign from now on; the old one stays published until its last token is dead."""
    settings = load()
    master = vault.load_or_create_master_key(settings.master_key_path)
    rows = run(
        _with_keys(
            settings, lambda session: signing.rotate(session, master, now(), system("sluss keys rotate"))
        )
    )
    show(rows, as_json, table(("kid", "algorithm", "state"), [list(row.values()) for row in rows]))


@keys.command("list")
@json_option
def keys_list(as_json: bool) -> None:
    """Every published key with its state."""

    async def nothing(_: object) -> None:
        return None

    rows = run(_with_keys(load(), nothing))
    show(rows, as_json, table(("kid", "algorithm", "state"), [list(row.values()) for row in rows]))


@click.group()
def audit() -> None:
    """The audit log."""


@audit.command("verify")
@json_option
def audit_verify(as_json: bool) -> None:
    """Walk the hash chain; names the first entry that is not what was written."""

    async def work() -> audit_rows.Verified:
        async with transaction(load()) as session:
            return await audit_rows.verify(session)

    found = run(work())
    show(
        asdict(found),
        as_json,
        f"{found.count} entries, " + ("unbroken" if found.first_bad is None else "BROKEN"),
    )
    if found.first_bad is not None:
        raise Failure(f"entry {found.first_bad} is the first that does not hold")


@click.group()
def token() -> None:
    """Access tokens, for development only."""


@token.command("issue")
@click.option("--org", "organisation", required=True, help="Name of the organisation.")
@click.option("--app", "wanted", required=True, help="Id, name or client id of an app in the sandbox.")
@click.option("--scope", default="", help="Scopes, separated by spaces.")
@click.option("--seconds", default=issue.LIFE, show_default=True, help="Life of the token.")
@json_option
def token_issue(organisation: str, wanted: str, scope: str, seconds: int, as_json: bool) -> None:
    """Sign a token for a sandbox app without its secret. Refused when the issuer is not a loopback address."""
    settings = load()
    if not settings.issuer.startswith("http://"):
        raise Failure("this command is for development: the issuer is a public https address")
    master = vault.load_or_create_master_key(settings.master_key_path)

    async def work() -> str:
        async with transaction(settings) as session:
            owner = await organisation_named(session, organisation)
            rows = await app_rows.for_organisation(session, owner.id)
            found = next((row for row in rows if wanted in (row.id, row.name, row.client_id)), None)
            if found is None or found.environment != "sandbox":
                raise Failure(f"the organisation has no sandbox app {wanted!r}")
            subject = issue.Subject(found.client_id, found.client_id, owner.id, found.id, found.environment)
            claims = issue.access_token_claims(
                subject, scope.split(), issuer=settings.issuer, audience=settings.issuer,
                token_id=issue.new_token_id(), now=now(), life=seconds,
            )  # fmt: skip
            signer = signing.unlock(signing.chosen(await signing_keys.all_published(session), now()), master)
            return issue.sign(claims, signer)

    made = run(work())
    show({"access_token": made, "expires_in": seconds}, as_json, made)
