"""What the operator says of another provider that vouches for people."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Provider:
    issuer: str
    client_id: str
    label_sv: str
    label_en: str
    secret: str | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)  # PEM, for private_key_jwt
    acr: tuple[str, ...] = ()  # any of these is enough; empty: none is demanded, and it counts as one factor

    def label(self, language: str) -> str:
        return self.label_en if language == "en" else self.label_sv
