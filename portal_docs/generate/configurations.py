"""The ready-made files of deploy/, shown whole on the operators' pages: what is read there is what is tested."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from portal_docs.generate.text import fence

# File below deploy/ → the language it is coloured as.
SHOWN: Mapping[str, str] = {
    "nginx/decide.conf": "nginx",
    "nginx/refusal.conf": "nginx",
    "nginx/edge.conf": "nginx",
    "traefik/traefik.yaml": "yaml",
    "traefik/dynamic.yaml": "yaml",
    "caddy/Caddyfile": "text",
    "envoy/envoy.yaml": "yaml",
    "haproxy/edge.cfg": "text",
}


def marks(folder: Path) -> dict[str, str]:
    """Mark → the file in a block that opens when asked; only its name where the source is not at hand."""
    return {f"@@deploy:{name}@@": _block(folder / name, name, language) for name, language in SHOWN.items()}


def _block(path: Path, name: str, language: str) -> str:
    if not path.is_file():
        return f"`deploy/{name}`"
    code = path.read_text(encoding="utf-8").rstrip("\n").replace("\t", "    ")
    return f'??? note "deploy/{name}"\n\n' + fence(code, language, indent=4, found=False)
