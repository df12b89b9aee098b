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

from gateway.cli.journey import Journey
from gateway.cli.output import Failure, json_option
from gateway.cli.visitor import Instance, StepFailed
from gateway.settings import environment_of, load

START_SECONDS = 120.0


@click.command()
@click.option("--running", is_flag=True, help="Use the instance of these settings that `sluss up` runs.")
@json_option
def demo(running: bool, as_json: bool) -> None:
    """Sign up, register an app, subscribe, get a token, call, run into the limits, read usage, be revoked.

    Ends with status 0 only when every step did what it should.
    """
    with contextlib.ExitStack() as stack:
        data_dir = load().data_dir if running else stack.enter_context(_temporary())
        instance = Instance.read(data_dir)
        journey = Journey(instance, quiet=as_json)
        try:
            journey.walk()
        except StepFailed as failed:
            raise Failure(f"the demo stopped at step {failed.step}: {failed}") from failed
        except httpx.HTTPError as error:
            raise Failure(f"the demo lost the connection: {error}") from error
    if as_json:
        click.echo(json.dumps(journey.measured, indent=2))
    else:
        click.echo("\nEvery step did what it should.")


@contextlib.contextmanager
def _temporary() -> Iterator[Path]:
    """A whole platform in a folder of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="sluss-demo-") as folder, contextlib.ExitStack() as stack:
        data_dir = Path(folder)
        log = stack.enter_context(open(data_dir / "up.log", "wb"))
        environment = environment_of(
            SLUSS_DATA_DIR=folder,
            SLUSS_PORT=str(_free_port()),
            SLUSS_ADMIN_PORT=str(_free_port()),
            SLUSS_LISTEN="127.0.0.1",
            SLUSS_ACCESS_LOG=str(data_dir / "access.log"),
        )
        click.echo("starting a temporary instance …", err=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "up"],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _await_ready(process, data_dir)
            yield data_dir
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_ready(process: subprocess.Popen[bytes], data_dir: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while not (data_dir / "run.json").exists():
        if process.poll() is not None or time.monotonic() > until:
            tail = (data_dir / "up.log").read_text(errors="replace")[-2000:]
            raise Failure(f"the temporary instance did not start:\n{tail}")
        time.sleep(0.1)
