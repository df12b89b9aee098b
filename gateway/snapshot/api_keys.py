"""API keys as the edge keeps them: by hash for the line, by app for what has changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from auth.policy import ApiKey


class KeyLike(Protocol):
    """`storage.access.KeyRow`."""

    @property
    def id(self) -> str: ...
    @property
    def app_id(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def secret_hash(self) -> str: ...
    @property
    def expires_at(self) -> int | None: ...


class ApiKeys:
    """`by_hash` is what `auth.policy.AccessTable` asks; `live` holds the ids, for streams that are asked again."""

    def __init__(self) -> None:
        self.by_hash: dict[str, ApiKey] = {}
        self._of_app: dict[str, list[str]] = {}
        self.live: set[str] = set()

    def put(self, rows: Iterable[KeyLike], of_apps: Iterable[str] = ()) -> None:
        """These keys; those of the apps named are all given, so that one which is missing has ended."""
        for app_id in of_apps:
            for digest in self._of_app.pop(app_id, ()):
                self.live.discard(self.by_hash.pop(digest).id)
        for row in rows:
            self.by_hash[row.secret_hash] = ApiKey(row.id, row.client_id, row.expires_at)
            self._of_app.setdefault(row.app_id, []).append(row.secret_hash)
            self.live.add(row.id)
