"""Builds the developer portal: generate Markdown, render it with MkDocs, finish the tree, swap it in.

    out/
      builds/<digest>/   finished trees; the one in use and the one before it are kept
      current            symlink to the tree in use, replaced in one step

Swedish stands at the tree's root, English below `en/`. Nothing is built when the digest of everything
that a page is made of is the digest of the tree in use.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from gateway.catalog.model import Catalog
from portal_docs import nav
from portal_docs.errors import BuildFailed
from portal_docs.finish import MANIFEST, finish
from portal_docs.generate import configurations, speed
from portal_docs.generate.pages import Inputs, generate
from portal_docs.generate.written import fill, marks
from portal_docs.model import LANGUAGES, BuildReport, DemoClient, ProblemPage
from portal_docs.render import render

__all__ = ["BuildFailed", "BuildReport", "DemoClient", "ProblemPage", "build"]

_HERE = Path(__file__).resolve().parent
_BASE = _HERE.parent / "mkdocs.yml"
_DEPLOY = _HERE.parent / "deploy"
_TOOLS = (
    "mkdocs",
    "mkdocs-material",
    "markdown",
    "pymdown-extensions",
    "pygments",
    "markdown-it-py",
    "nh3",
    "brotli",
)
_SOURCES = ("content", "templates", "theme", "generate", "*.py")
_KEEP = 2  # a reader may hold a page of the tree before


def build(
    catalog: Catalog,
    problems: Sequence[ProblemPage],
    issuer: str,
    out: Path,
    *,
    demo_client: DemoClient | None = None,
    schemas: Path = _HERE.parent / "gateway" / "catalog" / "schemas",
    measurements: Path = _HERE.parent / "bench-results",
) -> BuildReport:
    """The portal below `out`, rebuilt only when its inputs changed. Raises BuildFailed.

    `issuer` is the public base address; `schemas` the folder of JSON Schemas served at /portal/schemas/,
    `measurements` the folder with what the bench found; it may be absent.
    """
    started = time.monotonic()
    inputs = Inputs(
        catalog=catalog,
        problems=tuple(problems),
        issuer=issuer.rstrip("/"),
        demo=demo_client,
        measurements=measurements,
    )
    digest = _digest(inputs, schemas)
    tree = out / "builds" / digest
    built = not (tree / MANIFEST).is_file()
    if built:
        _build_into(tree, inputs, schemas, digest)
    _point_current_at(out, tree)
    _drop_old(out, tree)
    return _report(tree, digest, built, time.monotonic() - started)


def _build_into(tree: Path, inputs: Inputs, schemas: Path, digest: str) -> None:
    if not _BASE.is_file():
        raise BuildFailed(f"{_BASE} is missing: the portal is built from a checkout or an image that has it")
    tree.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="portal-", dir=tree.parent) as work:
        stage = Path(work)
        configs = [_stage_language(stage, inputs, language) for language in LANGUAGES]
        render(configs)
        site = stage / "sv" / "site"
        os.replace(stage / "en" / "site", site / "en")
        if schemas.is_dir():
            shutil.copytree(schemas, site / "schemas", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        finish(site, digest)
        if not (tree / MANIFEST).is_file():
            shutil.rmtree(tree, ignore_errors=True)
            os.replace(site, tree)


def _stage_language(stage: Path, inputs: Inputs, language: str) -> Path:
    docs = stage / language / "docs"
    shutil.copytree(_HERE / "content" / language, docs)
    values = marks(inputs.catalog, inputs.issuer, inputs.demo, language)
    values |= speed.marks(inputs.measurements, language) | configurations.marks(_DEPLOY)
    for page in docs.rglob("*.md"):
        page.write_text(fill(page.read_text(encoding="utf-8"), values), encoding="utf-8")
    for name, text in generate(inputs, language).items():
        page = docs / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
    config = stage / f"mkdocs.{language}.yml"
    nav.write(config, nav.config(_BASE, stage / language, inputs.issuer, inputs.catalog, language))
    return config


def _digest(inputs: Inputs, schemas: Path) -> str:
    """Of everything a page is made of: catalogue, codes, address, our sources and the tools' versions."""
    found = hashlib.sha256()
    for part in (inputs.catalog.digest, repr(inputs.problems), inputs.issuer, repr(inputs.demo)):
        found.update(hashlib.sha256(part.encode()).digest())
    for tool in _TOOLS:
        found.update(f"{tool}={metadata.version(tool)}\n".encode())
    for path in _source_files(schemas, inputs.measurements):
        found.update(f"{path}\n".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:20]


def _source_files(schemas: Path, measurements: Path) -> Iterator[Path]:
    roots = [root for pattern in _SOURCES for root in sorted(_HERE.glob(pattern))]
    measured = (measurements / name for name in (speed.LAST, speed.PROFILE))
    shown = (_DEPLOY / name for name in configurations.SHOWN)
    for root in (*roots, _BASE, schemas, *measured, *shown):
        candidates = sorted(root.rglob("*")) if root.is_dir() else [root]
        yield from (path for path in candidates if path.is_file() and path.suffix != ".pyc")


def _point_current_at(out: Path, tree: Path) -> None:
    current = out / "current"
    target = tree.relative_to(out)
    if current.is_symlink() and Path(os.readlink(current)) == target:
        return
    fresh = out / f".current-{os.getpid()}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    os.replace(fresh, current)  # one step: a reader sees the old tree or the new one


def _drop_old(out: Path, tree: Path) -> None:
    others = [path for path in (out / "builds").iterdir() if path != tree and (path / MANIFEST).is_file()]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[_KEEP - 1 :]:
        shutil.rmtree(path, ignore_errors=True)


def _report(tree: Path, digest: str, built: bool, seconds: float) -> BuildReport:
    files = [path for path in tree.rglob("*") if path.is_file() and path.suffix not in (".br", ".gz")]
    return BuildReport(
        tree=tree,
        digest=digest,
        built=built,
        pages=sum(path.suffix == ".html" for path in files),
        files=len(files),
        size=sum(path.stat().st_size for path in files),
        seconds=seconds,
    )
