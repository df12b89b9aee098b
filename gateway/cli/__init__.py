"""The command `sluss`: one file per group of commands, in `commands`.

Every command explains itself with --help, takes --json for machines, writes errors to stderr and ends with
status 1 (2 for wrong use).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

import click

from gateway.cli.lazily import Commands

INTERRUPTED = 130
# Name → where it is; loaded when it is asked for. An edge process must not load the console's code.
TABLE: Final = {
    "up": "up:up",
    "serve": "serve:serve",
    "migrate": "migrate:migrate",
    "doctor": "doctor:doctor",
    "demo": "demo:demo",
    "api": "apis:api",
    "plan": "apis:plan",
    "org": "organisations:org",
    "person": "people:person",
    "app": "apps:app",
    "subscription": "subscriptions:subscription",
    "keys": "keys:keys",
    "usage": "usage:usage",
    "audit": "audit:audit",
    "cache": "cache:cache",
    "restored": "restored:restored",
    "token": "token:token",
}


@click.group(
    commands=Commands("gateway.cli.commands", TABLE),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="sluss")
def sluss() -> None:
    """Sluss: one controlled passage between a healthcare region's systems and everyone who builds on them."""


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
    except Exception as error:  # which of them are expected is asked below, and what is not goes on
        # Only when something went wrong: it knows the errors of every part, those of console and portal among them.
        from gateway.cli import faults

        if not isinstance(error, faults.EXPECTED):
            raise
        faults.report(error, "--json" in words)
        return 1
    return outcome if isinstance(outcome, int) else 0
