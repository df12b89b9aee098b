"""TLS towards upstreams: always verified, TLS 1.2 or later, a private authority and a certificate of our own where
the publication names them.

Owns the contexts, one for each set of files. A file that has changed on disk is read anew before the next
connection is made; one that cannot be read then leaves the context before in force.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from gateway.catalog.model import UpstreamTls

Stamp = tuple[tuple[int, int, int] | None, ...]
_log = logging.getLogger("sluss.upstream")


def build(tls: UpstreamTls | None) -> ssl.SSLContext:
    """Raises OSError (ssl.SSLError among them) for a file that is missing or no certificate."""
    context = ssl.create_default_context(cafile=tls.ca if tls is not None else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if tls is not None and tls.certificate is not None:
        # An encrypted key would make OpenSSL ask for its password at the terminal.
        context.load_cert_chain(tls.certificate, tls.key, password=lambda: b"")
    return context


class Contexts:
    """One for the process."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path | None, ...], tuple[Stamp, ssl.SSLContext]] = {}

    async def of(self, tls: UpstreamTls | None) -> ssl.SSLContext:
        """The context for a set of files; read in a thread, for it can take tens of milliseconds."""
        files = (tls.ca, tls.certificate, tls.key) if tls is not None else ()
        stamp = tuple(_stamp(file) for file in files)
        known = self._known.get(files)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            context = await asyncio.to_thread(build, tls)
        except OSError as error:
            if known is None:
                raise
            _log.error("certificates %s cannot be read, those before stay: %s", files, error)
            context = known[1]
        self._known[files] = stamp, context
        return context


def _stamp(file: Path | None) -> tuple[int, int, int] | None:
    if file is None:
        return None
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
