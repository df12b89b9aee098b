"""Serves the built portal below one prefix, as an ASGI application.

Owns: which file answers a path, conditional requests (RFC 9110 section 13), the choice of a precompressed
twin (section 12.5.3), security headers, the localised 404. Does not own: building (`portal_docs.build`).

A path is looked up in the manifest and nowhere else; no part of a request is ever joined to a file name,
so `..`, encoded slashes and links have nothing to work on.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from portal_docs.errors import TreeUnreadable
from portal_docs.finish import Entry
from portal_docs.tree import Tree, in_use

# The theme names these files after their content; all others are asked for again, which a 304 answers.
_HASHED = re.compile(r"\.[0-9a-f]{8}\.min\.(js|css)$")
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_QUERY = "=&%+,;:@!$'()*-._~/?"  # RFC 3986 section 3.4; anything else is encoded again
_HELD_BYTES = 16 * 1024 * 1024
_SUFFIX = {"br": ".br", "gzip": ".gz", "identity": ""}
_NOT_BUILT = "Portalen är inte byggd ännu. / The portal has not been built yet.\n"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The representation that answers one request."""

    name: str
    entry: Entry
    coding: str  # br, gzip, identity
    status: int

    @property
    def etag(self) -> str:
        """Strong, so it differs between codings."""
        suffix = "" if self.coding == "identity" else f"-{self.coding}"
        return f'"{self.entry.etag}{suffix}"'


class PortalSite:
    """ASGI application for `prefix` and everything below it. Follows `current` without a restart."""

    def __init__(self, out: Path, *, prefix: str = "/portal") -> None:
        self._out = out
        self._prefix = prefix
        self._target = ""
        self._tree: Tree | None = None
        self._held = HeldFiles(_HELD_BYTES)

    def routes(self) -> list[BaseRoute]:
        """Where it belongs in the control plane: the prefix itself, and everything below it.

        Both, because a mount alone redirects `/portal` to an absolute address made from the Host header.
        """
        return [Route(self._prefix, endpoint=self), Mount(self._prefix, app=self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request; other kinds of connection are not ours to answer."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            raise ValueError(f"the portal answers http, not {scope['type']}")
        response = await self._respond(scope)
        await response(scope, receive, send)

    async def _respond(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("405\n", 405, {"Allow": "GET, HEAD", **_security("default-src 'none'")})
        tree = self._current()
        if tree is None:
            headers = {"Retry-After": "5", "Cache-Control": "no-store", **_security("default-src 'none'")}
            return PlainTextResponse(_NOT_BUILT, 503, headers)
        path: str = scope["path"]
        below = path.removeprefix(self._prefix)
        if below == path or (below and not below.startswith("/")):
            return PlainTextResponse("404\n", 404, _security(tree.content_security_policy))
        redirect = self._redirect(tree, below, scope["query_string"])
        if redirect:
            headers = {"Location": redirect, "Cache-Control": _ASK_AGAIN}
            return Response(b"", 308, {**headers, **_security(tree.content_security_policy)})
        chosen = choose(tree.files, below, Headers(scope=scope).get("accept-encoding", ""))
        if chosen is None:
            return PlainTextResponse("404\n", 404, _security(tree.content_security_policy))
        return await self._answer(
            tree, chosen, Headers(scope=scope).get("if-none-match", ""), scope["method"]
        )

    def _redirect(self, tree: Tree, below: str, query: bytes) -> str:
        """The path with its missing slash, or "". Always on this host: it starts with our own prefix."""
        if below.endswith("/") or (below and f"{below[1:]}/index.html" not in tree.files):
            return ""
        asked = f"?{quote(query, safe=_QUERY)}" if query else ""
        return f"{self._prefix}{quote(below)}/{asked}"

    async def _answer(self, tree: Tree, chosen: Chosen, if_none_match: str, method: str) -> Response:
        headers = {
            "ETag": chosen.etag,
            "Cache-Control": _FOR_EVER if _HASHED.search(chosen.name) else _ASK_AGAIN,
            "Vary": "Accept-Encoding",
            **_security(tree.content_security_policy),
        }
        if chosen.status == 200 and matches(if_none_match, chosen.etag):
            return Response(None, 304, headers)
        if chosen.coding != "identity":
            headers["Content-Encoding"] = chosen.coding
        headers["Content-Type"] = chosen.entry.type
        if method == "HEAD":
            sizes = {"br": chosen.entry.br, "gzip": chosen.entry.gz, "identity": chosen.entry.size}
            return Response(None, chosen.status, {**headers, "Content-Length": str(sizes[chosen.coding])})
        content = await self._held.read(tree.folder / (chosen.name + _SUFFIX[chosen.coding]))
        return Response(content, chosen.status, headers)

    def _current(self) -> Tree | None:
        target = in_use(self._out)
        if target and target != self._target:
            try:
                self._tree = Tree.load(self._out / "current")
            except TreeUnreadable:
                return self._tree  # the tree before it goes on answering
            self._target = target
            self._held.clear()
        return self._tree if target else None


class HeldFiles:
    """File contents in memory, the least used given up first. Files of a finished tree never change."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._files: OrderedDict[Path, bytes] = OrderedDict()

    def clear(self) -> None:
        self._files.clear()
        self._size = 0

    async def read(self, path: Path) -> bytes:
        """The file's bytes; the disk is read off the loop."""
        if path in self._files:
            self._files.move_to_end(path)
            return self._files[path]
        content = await asyncio.to_thread(path.read_bytes)
        if path not in self._files:
            self._files[path] = content
            self._size += len(content)
        while self._size > self._limit and self._files:
            _, given_up = self._files.popitem(last=False)
            self._size -= len(given_up)
        return content


def choose(files: Mapping[str, Entry], below: str, accept_encoding: str) -> Chosen | None:
    """The file for a path below the prefix, or the 404 page of its language."""
    name = below.removeprefix("/")
    name = f"{name}index.html" if not name or name.endswith("/") else name
    status = 200
    if name not in files or name in ("404.html", "en/404.html"):
        name = "en/404.html" if name.startswith("en/") else "404.html"
        status = 404
    entry = files.get(name)
    if entry is None:
        return None
    weights = _weights(accept_encoding)
    offered = {"br": entry.br, "gzip": entry.gz}
    wanted = [
        (weights.get(coding, weights.get("*", 0.0)), coding) for coding, size in offered.items() if size
    ]
    best = max(wanted, key=lambda pair: pair[0], default=(0.0, "identity"))
    return Chosen(name, entry, best[1] if best[0] > 0 else "identity", status)


def matches(if_none_match: str, etag: str) -> bool:
    """RFC 9110 section 13.1.2: weak comparison over a list, or `*`."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in tags or "*" in tags


def _weights(accept_encoding: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, parameter = part.partition(";")
        weight = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", parameter)
        if coding.strip():
            found[coding.strip()] = float(weight[1]) if weight else 0.0 if parameter.strip() else 1.0
    return found


def _security(policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",  # not no-referrer: forms would then send `Origin: null`
        "Cross-Origin-Opener-Policy": "same-origin",
        "X-Frame-Options": "DENY",
    }
