"""The settings of an OpenID Connect provider that vouches for people (SLUSS_OIDC_…)."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from auth.federation.named import Provider

MOST_BYTES = 64 * 1024
DEFAULT_LABEL = ("Logga in med e-legitimation", "Sign in with e-identification")


class Reader(Protocol):
    """What of `gateway.settings` is needed here."""

    faults: list[str]

    def text(self, name: str, default: str) -> str: ...
    def file(self, name: str) -> Path | None: ...


def provider(reader: Reader) -> Provider | None:
    """None when no issuer is named. Every fault goes into `reader.faults`."""
    issuer, client_id = reader.text("SLUSS_OIDC_ISSUER", ""), reader.text("SLUSS_OIDC_CLIENT_ID", "")
    secret, key = _content(reader, "SLUSS_OIDC_SECRET_FILE"), _content(reader, "SLUSS_OIDC_KEY_FILE")
    if not issuer:
        if client_id or secret or key:
            reader.faults.append("SLUSS_OIDC_ISSUER: is needed beside the other SLUSS_OIDC_ settings")
        return None
    parts = urlsplit(issuer)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        reader.faults.append(f"SLUSS_OIDC_ISSUER={issuer!r}: https is needed for any host but loopback")
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        reader.faults.append(
            f"SLUSS_OIDC_ISSUER={issuer!r}: an issuer such as https://id.region.example is needed"
        )
    if not client_id:
        reader.faults.append(
            "SLUSS_OIDC_CLIENT_ID: the id that the provider has given this platform is needed"
        )
    if secret and key:
        reader.faults.append("SLUSS_OIDC_SECRET_FILE, SLUSS_OIDC_KEY_FILE: one of them, not both")
    return Provider(
        issuer=issuer,
        client_id=client_id,
        label_sv=reader.text("SLUSS_OIDC_LABEL_SV", DEFAULT_LABEL[0])[:60],
        label_en=reader.text("SLUSS_OIDC_LABEL_EN", DEFAULT_LABEL[1])[:60],
        secret=secret.decode("utf-8", "replace").strip() if secret else None,
        key=key,
        acr=tuple(reader.text("SLUSS_OIDC_ACR", "").split()),
    )


def _content(reader: Reader, name: str) -> bytes | None:
    path = reader.file(name)
    if path is None or not path.is_file():
        return None
    with path.open("rb") as file:
        return file.read(MOST_BYTES)


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
