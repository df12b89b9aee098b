"""`sluss doctor`: what is wrong with this instance, and how to mend it. Changes nothing."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import click
import redis.asyncio
from redis.exceptions import RedisError

from gateway.catalog import load as catalog_load
from gateway.catalog.errors import CatalogFaults
from gateway.catalog.model import Upstream
from gateway.cli import master_key, schema
from gateway.cli.output import Failure, json_option, run, show
from gateway.edge.clock import Clock
from gateway.edge.door import certificates
from gateway.edge.errors import UpstreamForbidden, UpstreamInsecure
from gateway.proxy.checker import visit
from gateway.proxy.response import AnswerReader
from gateway.proxy.upstreams import Pools
from gateway.settings import SETTINGS, Settings, SettingsFault, load
from storage import audit as audit_rows
from storage import migrate as migrations
from storage import signing_keys
from storage.database import Database
from storage.errors import StorageError

CLOCK_SKEW_SECONDS = 2.0
UPSTREAM_SECONDS = 3.0
UPSTREAMS_AT_ONCE = 50
WRONGLY = (UpstreamInsecure.code, UpstreamForbidden.code)
EXPIRY_DAYS = 14


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    ok: bool
    says: str
    mend: str = ""


@click.command(
    help="Check settings, data directory, catalogue, database, keys, clock and Redis, and say how to mend "
    "what is wrong.\n\n\b\nSettings:\n"
    + "\n".join(
        f"  {setting.name:24} {setting.meaning} [{setting.default or 'none'}]" for setting in SETTINGS
    )
)
@json_option
def doctor(as_json: bool) -> None:
    try:
        settings = load()
    except SettingsFault as fault:
        mend = "correct it in the environment or sluss.toml"
        findings: Sequence[Finding] = [Finding("settings", False, text, mend) for text in fault.faults]
    else:
        findings = [Finding("settings", True, "read"), *run(_examine(settings))]
    show([asdict(found) for found in findings], as_json, "\n".join(map(_line, findings)))
    if faults := sum(not found.ok for found in findings):
        raise Failure(f"{faults} of {len(findings)} checks found a fault; see above how to mend it")


def _line(found: Finding) -> str:
    return f"{'ok   ' if found.ok else 'FAULT'} {found.what}: {found.says}" + (
        f"\n      → {found.mend}" if found.mend else ""
    )


async def _examine(settings: Settings) -> list[Finding]:
    findings = [
        _disk(settings),
        _tls(settings),
        _catalogue(settings),
        await asyncio.to_thread(_schema, settings),
    ]
    if findings[-1].ok:  # keys and audit log can be asked only where there are tables
        findings += await _in_database(settings)
    return [*findings, await _redis(settings), await _upstreams(settings)]


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir
    mend = f"make {folder} a folder that this user can write, or free some space"
    if not folder.exists():
        above = next(parent for parent in folder.parents if parent.exists())
        if not above.is_dir() or not os.access(above, os.W_OK):
            return Finding("data directory", False, f"{folder} cannot be made in {above}", mend)
        return Finding("data directory", True, f"{folder} does not exist yet; the first start makes it")
    probe = folder / f".doctor-{os.getpid()}"
    try:
        probe.write_bytes(b"x" * 4096)
    except OSError as error:
        return Finding("data directory", False, f"{folder}: {error.strerror}", mend)
    finally:
        _remove(probe)
    return Finding("data directory", True, f"{folder} can be written")


def _tls(settings: Settings) -> Finding:
    files = settings.door.tls
    if files is None:
        return Finding("tls", True, "not used: the public port speaks plain HTTP")
    try:
        certificates.build(files)
        left = (certificates.expiry(files.certificate) - time.time()) / 86400
    except certificates.CertificateFault as fault:
        return Finding(
            "tls", False, str(fault), "put the right files in place; a running edge takes them by itself"
        )
    host = urlsplit(settings.issuer).hostname or ""
    mend = "renew the certificate; a running edge takes the new files by itself"
    if left < EXPIRY_DAYS:
        says = f"the certificate {'ends in' if left > 0 else 'ended'} {abs(left):.0f} days{'' if left > 0 else ' ago'}"
        return Finding("tls", False, says, mend)
    if not certificates.covers(files.certificate, host):
        return Finding("tls", False, f"the certificate is not for {host}, the issuer's host", mend)
    if files.key.stat().st_mode & 0o077:
        return Finding("tls", False, f"others on this machine can read {files.key}", f"chmod 600 {files.key}")
    return Finding("tls", True, f"key and certificate fit, {left:.0f} days left")


def _remove(probe: Path) -> None:
    try:
        probe.unlink(missing_ok=True)
    except OSError:
        return  # where the folder is no folder there is nothing to remove


def _catalogue(settings: Settings) -> Finding:
    try:
        found = catalog_load.load(settings.catalog, settings.upstream_variables)
    except CatalogFaults as faults:
        return Finding("catalogue", False, str(faults), "run `sluss api lint FOLDER` after each correction")
    return Finding("catalogue", True, f"{len(found.apis)} APIs, {len(found.plans)} plan versions")


def _schema(settings: Settings) -> Finding:
    try:
        current = schema.revision(settings)
    except (StorageError, OSError) as error:
        return Finding(
            "database", False, f"does not answer ({error})", "check SLUSS_DATABASE_URL and that it runs"
        )
    if current is None:
        return Finding("database", False, "has no tables yet", "run `sluss migrate`")
    if schema.is_older(current):
        says = f"at {current}, this version needs {migrations.head()}"
        return Finding("database", False, says, "run `sluss migrate`")
    return Finding("database", True, f"answers, at {current}")


async def _in_database(settings: Settings) -> list[Finding]:
    database = Database(settings.database_url)
    try:
        async with database.read() as session:
            known = await signing_keys.all_published(session)
            newest = await audit_rows.latest(session, limit=1)
            keys = Finding("keys", True, "none yet; the first start makes them")
            if known:
                await master_key.fitting(session, settings)
                keys = Finding("keys", True, f"{len(known)} published, the master key opens them")
    except Failure as fault:
        says, _, _ = str(fault).partition(f" {master_key.MEND}")
        keys = Finding("keys", False, says, master_key.MEND)
    except (StorageError, OSError) as error:
        return [
            Finding("keys", False, f"cannot be read ({error})", "check the database and the data directory")
        ]
    finally:
        await database.close()
    return [keys, _clock(newest[0].at if newest else 0)]


def _clock(last_act: int) -> Finding:
    """The audit log only grows, so its newest entry cannot be of tomorrow."""
    ahead = last_act - time.time()
    if ahead > CLOCK_SKEW_SECONDS:
        says = f"the newest audit entry is {ahead:.0f} s in the future of this machine's clock"
        return Finding("clock", False, says, "let NTP set the clocks of all machines")
    return Finding("clock", True, "not behind what was recorded last")


async def _upstreams(settings: Settings) -> Finding:
    """One that does not answer is told, not counted as a fault: it may be started after the gateway. One that
    answers wrongly is.
    """
    try:
        catalog = catalog_load.load(settings.catalog, settings.upstream_variables)
    except CatalogFaults:
        return Finding("upstreams", True, "not asked: the catalogue is faulty")
    pools = Pools(Clock(), AnswerReader(), settings.own_ports)
    places = {
        replace(place, weight=1)
        for api in catalog.apis.values()
        for each in api.upstreams.values()
        for place in each
    }
    turn = asyncio.Semaphore(UPSTREAMS_AT_ONCE)

    async def ask(place: Upstream) -> tuple[str, str]:
        async with turn:
            return place.url, await visit(pools(place), UPSTREAM_SECONDS, place.health)

    answers = sorted(set(await asyncio.gather(*map(ask, places))))
    wrong = [f"{url} ({reason})" for url, reason in answers if reason]
    says = f"{len(answers) - len(wrong)} of {len(answers)} answer" + (
        f"; not {', '.join(wrong)}" if wrong else ""
    )
    faulty = any(reason.startswith(WRONGLY) for _, reason in answers)
    mend = "start it, or correct `upstreams` in its api.yaml" if wrong else ""
    return Finding("upstreams", not faulty, says, mend)


async def _redis(settings: Settings) -> Finding:
    if settings.redis_url is None:
        return Finding("redis", True, "not used: counters are in the edge process")
    try:
        skew = await _redis_skew(settings.redis_url)
    except (RedisError, OSError, ValueError) as error:
        return Finding("redis", False, f"does not answer ({error})", "check SLUSS_REDIS_URL and that it runs")
    if not skew <= CLOCK_SKEW_SECONDS:
        says = f"answers, but its clock and this machine's differ by {skew:.1f} s"
        return Finding("redis", False, says, "let NTP set both clocks")
    return Finding("redis", True, f"answers, clocks differ by {skew * 1000:.0f} ms")


async def _redis_skew(url: str) -> float:
    client = redis.asyncio.from_url(url, socket_timeout=2.0, socket_connect_timeout=2.0)
    try:
        seconds, micros = await client.time()
        return abs(time.time() - (seconds + micros / 1e6))
    finally:
        await client.aclose()
