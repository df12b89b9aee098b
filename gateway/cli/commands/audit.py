"""`sluss audit`: whether the audit log is what was written."""

from __future__ import annotations

from dataclasses import asdict

import click

from gateway.cli.accounts import reading
from gateway.cli.output import Failure, json_option, run, show
from gateway.settings import load
from storage import audit as audit_rows


@click.group()
def audit() -> None:
    """The audit log."""


@audit.command("verify")
@json_option
def audit_verify(as_json: bool) -> None:
    """Walk the hash chain; names the first entry that is not what was written."""

    async def work() -> audit_rows.Verified:
        async with reading(load()) as session:
            return await audit_rows.verify(session)

    found = run(work())
    state = "unbroken" if found.first_bad is None else "BROKEN"
    show(asdict(found), as_json, f"{found.count} entries, {state}")
    if found.first_bad is not None:
        raise Failure(f"entry {found.first_bad} is the first that does not hold; all before it do")
