"""What `api.yaml` says about answers, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Cors:
    """Whose pages may call in a browser (the Fetch standard's CORS protocol)."""

    origins: tuple[str, ...]  # exactly as a browser writes them; or `*` alone
    headers: tuple[str, ...] = ()  # request headers a page may set, besides those it always may
    expose: tuple[str, ...] = ()  # answer headers a page may read, besides those it always may
    max_age: int = 600  # seconds a browser may remember the permission


@dataclass(frozen=True, slots=True)
class HeaderRules:
    """Headers set and removed on the way to the service and on the way back."""

    request_set: tuple[tuple[str, str], ...] = ()
    request_remove: tuple[str, ...] = ()
    response_set: tuple[tuple[str, str], ...] = ()
    response_remove: tuple[str, ...] = ()


class Shared(StrEnum):
    """Who may get an answer that was fetched for someone."""

    SUBJECT = "subject"
    ORGANISATION = "organisation"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Caching:
    shared: Shared
    operations: frozenset[str] | None = None  # ids; None: every GET


@dataclass(frozen=True, slots=True)
class Brownout:
    """A time, in epoch seconds, during which a version on its way out does not answer."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Answers:
    cors: Cors | None = None
    headers: HeaderRules | None = None
    cache: Caching | None = None
    brownouts: tuple[Brownout, ...] = ()  # in order
