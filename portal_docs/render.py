"""Runs MkDocs over the finished Markdown, one process per language, both at once.

A process of its own keeps MkDocs' global state and log handlers out of ours, and two fit on two cores.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from portal_docs.errors import BuildFailed

_ROOT = Path(__file__).resolve().parent.parent
_SECONDS = 600  # far more than 200 APIs take; a hung build must not hang the start for ever


def render(configs: Sequence[Path]) -> None:
    """Builds every configuration in strict mode: a broken link is an error. Raises BuildFailed."""
    running = [_start(config) for config in configs]
    failures = []
    for config, process in zip(configs, running, strict=True):
        try:
            output, _ = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
        if process.returncode != 0:
            failures.append(f"{config.name}:\n{output.decode(errors='replace').strip()}")
    if failures:
        raise BuildFailed("\n".join(failures))


def _start(config: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-X", "utf8", "-W", "ignore", "-m", "mkdocs", "build", "--quiet", "--strict"]
    # From the checkout's root: `-m` puts it on the path, where the hooks find this package.
    return subprocess.Popen(  # noqa: S603 - our own interpreter and a file we wrote
        [*command, "-f", str(config)], cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
