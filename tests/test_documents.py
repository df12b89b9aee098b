"""Every OpenAPI document is valid, and every relative link of a Markdown file leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from openapi_spec_validator import validate

ROOT = Path(__file__).resolve().parents[1]
NOT_OURS = {".venv", "var", "build", "site", "node_modules", "bench-results"}
# The portal's pages link to pages that its hooks generate; `mkdocs build --strict` judges those.
BUILT_BY_MKDOCS = "portal_docs"


def files(pattern: str) -> list[Path]:
    found = (path for path in ROOT.rglob(pattern) if path.is_file())
    return sorted(
        p
        for p in found
        if not NOT_OURS & set(p.relative_to(ROOT).parts)
        and not any(part.startswith(".") for part in p.relative_to(ROOT).parts)
    )


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def publications() -> list[Path]:
    return [path for path in files("openapi.yaml") if path.relative_to(ROOT).parts[0] != "tests"]


def targets(markdown: str) -> Iterator[str]:
    """Link and image targets outside code."""
    prose = re.sub(r"^(```|~~~).*?^\1", "", markdown, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"`[^`\n]*`", "", prose)
    yield from re.findall(r"\]\(\s*<?([^)\s>]+)", prose)
    yield from re.findall(r"^\[[^\]]+\]:\s*<?(\S+?)>?\s*$", prose, re.MULTILINE)


def relative_links(path: Path) -> Iterator[Path]:
    for target in targets(path.read_text(encoding="utf-8")):
        if re.match(r"[a-z][a-z0-9+.-]*:|//|#|/", target, re.IGNORECASE):
            continue
        yield path.parent / unquote(target.split("#")[0].split("?")[0])


def test_there_are_publications_to_check() -> None:
    assert publications()


@pytest.mark.parametrize("path", publications(), ids=name_of)
def test_openapi_documents_are_valid(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert str(document["openapi"]).startswith("3.1.")
    validate(document)


@pytest.mark.parametrize(
    "path", [p for p in files("*.md") if p.relative_to(ROOT).parts[0] != BUILT_BY_MKDOCS], ids=name_of
)
def test_relative_links_resolve(path: Path) -> None:
    assert [name_of(link) for link in relative_links(path) if not link.exists()] == []


def test_links_are_found_where_they_stand() -> None:
    code = "`[no](no.md)`\n```\n[no](no.md)\n```\n"
    markdown = "[a](b.md) ![c](d/e.png) " + code + "[f]: g.md\n[h](https://example.org) [i](j.md#k)\n"
    assert list(targets(markdown)) == ["b.md", "d/e.png", "https://example.org", "j.md#k", "g.md"]
