"""`sluss demo`: the main job by itself, over real HTTP, against a running or a temporary instance."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import httpx
import pyotp

from gateway.cli import seed
from gateway.cli.interrupts import terminated_as_interrupted
from gateway.cli.journey import Journey
from gateway.cli.output import Failure, json_option
from gateway.cli.visitor import Instance, StepFailed
from gateway.settings import environment_of, load
from gateway.supervise import die_with_parent

START_SECONDS = 150.0
STOP_SECONDS = 60.0


@click.command()
@click.option("--running", is_flag=True, help="Use the instance of these settings that `sluss up` runs.")
@click.option("--code", is_flag=True, help="Only print the demo operator's code for the second step now.")
@json_option
def demo(running: bool, code: bool, as_json: bool) -> None:
    """Sign up, register an app, subscribe, get a token, call, run into the limits, read usage, be revoked.

    Ends with status 0 only when every step did what it should.
    """
    if code:
        click.echo(_code(load().data_dir))
        return
    with contextlib.ExitStack() as stack:
        data_dir = load().data_dir if running else stack.enter_context(_temporary())
        journey = _walked(data_dir, quiet=as_json)
    if as_json:
        click.echo(json.dumps(journey.measured, indent=2))
    else:
        click.echo("\nEvery step did what it should.")


def _code(data_dir: Path) -> str:
    """What an app for one-time codes would show. Raises Failure."""
    key = seed.read(data_dir).operator_codes
    if not key:
        raise Failure(
            f"{data_dir / seed.FILE} has no key for codes; `sluss up` makes one on one's own machine"
        )
    return pyotp.TOTP(key).now()


def _walked(data_dir: Path, *, quiet: bool) -> Journey:
    """The journey after its last step. Raises Failure with the step at which it ended."""
    try:
        journey = Journey(Instance.read(data_dir), quiet=quiet)
    except StepFailed as failed:
        raise Failure(str(failed)) from failed
    try:
        journey.walk()
    except StepFailed as failed:
        raise Failure(f"the demo stopped where {failed.step}: {failed}") from failed
    except httpx.HTTPError as error:
        raise Failure(
            f"the demo lost the connection to {journey.instance.base} where {journey.step}: {error!r}"
        ) from error
    except (LookupError, TypeError, ValueError, subprocess.TimeoutExpired) as error:
        raise Failure(f"an answer had another form than expected where {journey.step}: {error!r}") from error
    return journey


@contextlib.contextmanager
def _temporary() -> Iterator[Path]:
    """A whole platform in a folder of its own, gone afterwards."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(terminated_as_interrupted())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sluss-demo-"))
        data_dir = Path(folder)
        log = stack.enter_context(open(data_dir / "up.log", "wb"))
        port, admin_port = _free_ports()
        environment = environment_of(
            SLUSS_DATA_DIR=folder,
            SLUSS_PORT=str(port),
            SLUSS_ADMIN_PORT=str(admin_port),
            SLUSS_LISTEN="127.0.0.1",
            SLUSS_ACCESS_LOG=str(data_dir / "access.log"),
        )
        click.echo("starting a temporary instance …", err=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "up"],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - this command has no threads
        )
        try:
            _await_ready(process, data_dir)
            yield data_dir
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return int(first.getsockname()[1]), int(second.getsockname()[1])


def _await_ready(process: subprocess.Popen[bytes], data_dir: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while not (data_dir / "run.json").exists():
        if process.poll() is not None or time.monotonic() > until:
            tail = (data_dir / "up.log").read_text(errors="replace")[-2000:]
            raise Failure(f"the temporary instance did not start:\n{tail}")
        time.sleep(0.1)
