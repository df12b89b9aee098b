"""The console's own style sheet and scripts, read at start and named by their content's hash in ETag."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

FOLDER = Path(__file__).resolve().parents[1] / "static"
TYPES = {"console.css": "text/css", "console.js": "text/javascript", "passkeys.js": "text/javascript"}


@dataclass(frozen=True, slots=True)
class File:
    name: str
    media_type: str
    content: bytes

    @property
    def etag(self) -> str:
        return f'"{sha256(self.content).hexdigest()[:32]}"'


def files() -> list[File]:
    """Only these names are ever served; no part of a request is joined to a path."""
    return [File(name, media_type, (FOLDER / name).read_bytes()) for name, media_type in TYPES.items()]


class StaticFile:
    def __init__(self, file: File) -> None:
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        headers = {
            "ETag": self._file.etag,
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'",
        }
        if request.method not in ("GET", "HEAD"):
            response = Response(status_code=405, headers={"Allow": "GET, HEAD"})
        elif request.headers.get("if-none-match") == self._file.etag:
            response = Response(status_code=304, headers=headers)
        else:
            response = Response(self._file.content, headers=headers, media_type=self._file.media_type)
        await response(scope, receive, send)
