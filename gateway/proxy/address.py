"""Where an upstream is: ``http://host:port/base`` or ``unix:/path/to/socket`` with an optional ``:/base``."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Address:
    """``socket`` is the path of a Unix socket, else empty. ``base`` starts every path and has no slash at its
    end.
    """

    host: str
    port: int
    socket: str
    base: bytes
    authority: bytes
    tls: bool

    @classmethod
    def parse(cls, url: str) -> Address:
        """ValueError when the text is no address of an upstream."""
        if url.startswith("unix:"):
            path, _, base = url.removeprefix("unix:").partition(":")
            if not path.startswith("/"):
                raise ValueError(f"not an absolute socket path: {url}")
            return cls("", 0, path, base.rstrip("/").encode("ascii"), b"localhost", False)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an upstream address: {url}")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError(f"an upstream address has no user, query or fragment: {url}")
        tls = parts.scheme == "https"
        port = parts.port or (443 if tls else 80)
        prefix = parts.path.rstrip("/").encode("ascii")
        return cls(parts.hostname, port, "", prefix, parts.netloc.encode("ascii"), tls)
