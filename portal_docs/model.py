"""What goes into a build of the portal beside the catalogue, and what comes out. Values only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gateway.catalog.model import Text

LANGUAGES = ("sv", "en")
_CREDENTIAL = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """One error code's page; its address is the `type` of the problem document (RFC 9457 section 3.1.1)."""

    code: str  # "rate-limited": also the last segment of the address
    status: int
    title: Text
    cause: Text
    cure: Text


@dataclass(frozen=True, slots=True)
class DemoClient:
    """The sandbox client whose credentials stand in every sample. Never give one that reaches production."""

    client_id: str
    client_secret: str

    def __post_init__(self) -> None:
        # They stand inside double quotes in the shell sample: nothing there may be syntax.
        if not (_CREDENTIAL.fullmatch(self.client_id) and _CREDENTIAL.fullmatch(self.client_secret)):
            raise ValueError("a demo client's credentials hold letters, digits, - and _ only")


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. `built` is False when nothing had changed and the standing tree was kept."""

    tree: Path  # the folder that `current` points at
    digest: str
    built: bool
    pages: int
    files: int
    size: int  # bytes of all files, uncompressed
    seconds: float
