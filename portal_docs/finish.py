"""The last step of a build: hash inline scripts, write the policy, precompress, write the manifest.

The manifest is the only thing the server looks a path up in: a file that is not listed does not exist.
Its ETags come from the content, so a rebuild that changes nothing changes no reader's cache.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import brotli

MANIFEST = "manifest.json"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".xml": "application/xml",
    ".txt": "text/plain; charset=utf-8",
}
# What the theme brings and no page uses: source maps, other languages' stemmers, uncompressed sitemaps' twins.
_UNUSED = ("*.map", "sitemap.xml.gz", "assets/javascripts/lunr/**/*.js", "assets/images/favicon.png")
_USED = ("lunr.stemmer.support.min.js", "lunr.sv.min.js")  # Swedish search asks for these two
_COMPRESSED = (".html", ".css", ".js", ".json", ".svg", ".xml", ".txt")
_SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<code>.*?)</script>", re.S | re.I)
# A data block is never run, so it needs no hash (HTML, "script" element, type attribute).
_DATA_BLOCK = re.compile(r"""type\s*=\s*["']?(application/(ld\+)?json|text/template)""", re.I)
# Text about the theme's own optional services, which nothing here calls; out, so that the built tree
# names no foreign host. (pattern, replacement) over the theme's scripts and style sheets.
_FOREIGN = re.compile(r"https?://(?!www\.w3\.org/)[A-Za-z0-9.-]+\.[a-z]{2,}(?=[/\"'`)\s]|$)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: strong ETag without quotes, media type, sizes; 0 where there is no compressed twin."""

    etag: str
    type: str
    size: int
    br: int
    gz: int


def finish(tree: Path, digest: str) -> dict[str, Entry]:
    """Completes a rendered tree in place and returns its manifest's files."""
    _remove_unused(tree)
    _remove_foreign_hosts(tree)
    paths = sorted(path for path in tree.rglob("*") if path.is_file())
    policy = content_security_policy(_inline_scripts(path for path in paths if path.suffix == ".html"))
    with ThreadPoolExecutor() as pool:  # brotli and zlib let go of the interpreter lock
        entries = list(pool.map(_entry, paths))
    files = {path.relative_to(tree).as_posix(): entry for path, entry in zip(paths, entries, strict=True)}
    manifest = {
        "digest": digest,
        "content_security_policy": policy,
        "files": {name: asdict(entry) for name, entry in files.items()},
    }
    (tree / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return files


def content_security_policy(scripts: Iterable[str]) -> str:
    """The strict policy of the whole tree; `scripts` are the inline scripts it may run."""
    hashes = sorted(
        {f"'sha256-{b64encode(hashlib.sha256(code.encode()).digest()).decode()}'" for code in scripts}
    )
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(["script-src 'self'", *hashes]),
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "worker-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "object-src 'none'",
            "frame-ancestors 'none'",
        )
    )


def _inline_scripts(pages: Iterable[Path]) -> Iterable[str]:
    for page in pages:
        for match in _SCRIPT.finditer(page.read_text(encoding="utf-8")):
            attributes = match["attributes"]
            if not re.search(r"\bsrc\s*=", attributes, re.I) and not _DATA_BLOCK.search(attributes):
                yield match["code"]


def _remove_unused(tree: Path) -> None:
    for root in (tree, tree / "en"):
        for pattern in _UNUSED:
            for path in list(root.rglob(pattern) if "/" not in pattern else root.glob(pattern)):
                if path.name not in _USED:
                    path.unlink()


def _remove_foreign_hosts(tree: Path) -> None:
    for root in (tree, tree / "en"):
        for path in (root / "assets").rglob("*.min.*"):
            if path.suffix in (".js", ".css"):
                text = path.read_text(encoding="utf-8")
                text = re.sub(r"\n?(//|/\*)# sourceMappingURL=[^\n*]*(\*/)?\s*$", "\n", text)
                path.write_text(_FOREIGN.sub("", text), encoding="utf-8")


def _entry(path: Path) -> Entry:
    content = path.read_bytes()
    br = gz = 0
    if path.suffix in _COMPRESSED and len(content) > 512:
        packed = brotli.compress(content, quality=9)
        path.with_name(path.name + ".br").write_bytes(packed)
        br = len(packed)
        packed = gzip.compress(content, compresslevel=9, mtime=0)
        path.with_name(path.name + ".gz").write_bytes(packed)
        gz = len(packed)
    return Entry(
        etag=hashlib.sha256(content).hexdigest()[:24],
        type=TYPES.get(path.suffix, "application/octet-stream"),
        size=len(content),
        br=br,
        gz=gz,
    )
