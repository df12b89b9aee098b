"""Reads a finished tree: its manifest, and which tree is in use. Writes nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal_docs.errors import TreeUnreadable
from portal_docs.finish import MANIFEST, Entry


@dataclass(frozen=True, slots=True)
class Tree:
    """One finished build. `files` holds everything that may be served, by its path below the tree."""

    folder: Path
    digest: str
    content_security_policy: str
    files: Mapping[str, Entry]

    @classmethod
    def load(cls, folder: Path) -> Tree:
        """The tree in `folder` (symlinks followed once, here). Raises TreeUnreadable."""
        try:
            real = folder.resolve(strict=True)
            manifest: dict[str, Any] = json.loads((real / MANIFEST).read_bytes())
            files = {name: Entry(**entry) for name, entry in manifest["files"].items()}
            return cls(real, str(manifest["digest"]), str(manifest["content_security_policy"]), files)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
            raise TreeUnreadable(f"{folder}: {fault}") from fault


def in_use(out: Path) -> str:
    """What `current` points at; "" when nothing is built. One system call, for a check per request."""
    try:
        return os.readlink(out / "current")
    except OSError:
        return ""
