"""Building the portal from what runs: the catalogue, the error classes and the demo client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from console import errors as console_errors
from console import statuses
from gateway import errors
from gateway.catalog import load as catalog_load
from gateway.catalog.model import Text
from gateway.settings import Settings
from portal_docs import build as portal_build

PROBLEMS = Path(portal_build.__file__).parent / "problems.yaml"


def build(settings: Settings, client_id: str, client_secret: str) -> portal_build.BuildReport:
    """The portal in the data directory; nothing is done when nothing has changed.

    Raises CatalogFaults, BuildFailed.
    """
    catalog = catalog_load.load(settings.catalog, settings.upstream_variables)
    demo = portal_build.DemoClient(client_id, client_secret) if client_id else None
    return portal_build.build(
        catalog, list(problem_pages()), settings.issuer, settings.portal_dir, demo_client=demo
    )


def codes() -> Iterator[tuple[str, int, Text]]:
    """Every code a caller can meet, with status and title: the gateway's, then the console's."""
    seen: set[str] = set()
    for code, status, cls in errors.catalogue():
        seen.add(code)
        yield code, status, Text(sv=_sentence(cls, "sv"), en=_sentence(cls, "en"))
    for cls in _tree(console_errors.ConsoleError):
        if cls.code not in seen:
            seen.add(cls.code)
            yield cls.code, statuses.status_of(cls), Text(sv=cls.sv, en=cls.en)


def _sentence(cls: type[Exception], language: str) -> str:
    return str(getattr(cls, language))


def _tree(cls: type[console_errors.ConsoleError]) -> Iterator[type[console_errors.ConsoleError]]:
    yield cls
    for below in cls.__subclasses__():
        yield from _tree(below)


def problem_pages() -> Iterator[portal_build.ProblemPage]:
    """One page per code. Raises KeyError for a code without a text: a test keeps the list whole."""
    texts: Mapping[str, Any] = yaml.safe_load(PROBLEMS.read_text(encoding="utf-8"))
    for code, status, title in codes():
        text = texts[code]
        yield portal_build.ProblemPage(code, status, title, Text(**text["cause"]), Text(**text["cure"]))
