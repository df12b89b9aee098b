"""`python -m gateway` is the command `sluss`."""

from __future__ import annotations

import os
import sys

from gateway.cli import main


def run() -> int:
    """What it writes, database and logs and counters, is for the user who runs it and no other."""
    os.umask(0o077)
    return main()


if __name__ == "__main__":
    sys.exit(run())
