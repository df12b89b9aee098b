"""`sluss serve backend`: a reference backend, which is a program of its own."""

from __future__ import annotations

import runpy
import sys

import click

from gateway.cli.children import BACKENDS


@click.command()
@click.argument("name", type=click.Choice(BACKENDS))
@click.option("--port", default=None, type=click.IntRange(0, 65535), help="Port on loopback.")
@click.option("--fd", default=None, type=int, help="Serve on this inherited listening socket.")
def backend(name: str, port: int | None, fd: int | None) -> None:
    """One of the reference backends."""
    sys.argv = [f"sluss serve backend {name}"]
    if port is not None:
        sys.argv += ["--port", str(port)]
    if fd is not None:
        sys.argv += ["--fd", str(fd)]
    runpy.run_module(f"backends.{name}", run_name="__main__")
