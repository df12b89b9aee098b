"""The command `sluss`: one file per group of commands.

Every command explains itself with --help, takes --json for machines, writes errors to stderr and ends with
status 1 (2 for wrong use).
"""

from __future__ import annotations

import sys

import click

from gateway.cli import catalog, demo, manage, operate, serve, up
from gateway.cli.output import Failure
from gateway.settings import SettingsFault


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="sluss")
def sluss() -> None:
    """Sluss: one controlled passage between a healthcare region's systems and everyone who builds on them."""


for command in (
    up.up,
    serve.serve,
    operate.migrate,
    operate.doctor,
    demo.demo,
    catalog.api,
    catalog.plan,
    manage.org,
    manage.app,
    manage.subscription,
    operate.keys,
    manage.usage,
    operate.audit,
    operate.token,
):
    sluss.add_command(command)


def main() -> None:
    """Entry point: faults become one clear message and status 1."""
    try:
        sluss.main(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except (click.ClickException, Failure) as error:
        click.echo(f"sluss: {error}", err=True)
        sys.exit(1)
    except SettingsFault as error:
        click.echo("sluss: the settings are wrong:", err=True)
        for fault in error.faults:
            click.echo(f"  {fault}", err=True)
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
