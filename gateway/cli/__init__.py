"""The command `sluss`: one file per group of commands, in `commands`.

Every command explains itself with --help, takes --json for machines, writes errors to stderr and ends with
status 1 (2 for wrong use).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from gateway.cli import faults
from gateway.cli.commands import (
    apis,
    apps,
    audit,
    demo,
    doctor,
    keys,
    migrate,
    organisations,
    people,
    restored,
    serve,
    subscriptions,
    token,
    up,
    usage,
)

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="sluss")
def sluss() -> None:
    """Sluss: one controlled passage between a healthcare region's systems and everyone who builds on them."""


for command in (
    up.up,
    serve.serve,
    migrate.migrate,
    doctor.doctor,
    demo.demo,
    apis.api,
    apis.plan,
    organisations.org,
    people.person,
    apps.app,
    subscriptions.subscription,
    keys.keys,
    usage.usage,
    audit.audit,
    restored.restored,
    token.token,
):
    sluss.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point: the exit status. An expected fault becomes one clear message."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        outcome = sluss.main(words, prog_name="sluss", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:  # `sluss … | head`: who reads has had enough, and the end must not write again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except faults.EXPECTED as error:
        faults.report(error, "--json" in words)
        return 1
    return outcome if isinstance(outcome, int) else 0
