"""Which requests may get the same answer: the key, and the values that Vary asks for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gateway.cache.freshness import Fields
from gateway.catalog.answers.values import Shared
from gateway.edge.request import Request
from gateway.headers import Caller


class Key(NamedTuple):
    """Everything that decides which answer a request may get, but what Vary names."""

    api: str
    path: str
    target: bytes  # path and query, as the service sees them
    host: bytes
    secure: bool
    group: bytes  # environment, and whose it is
    accept: bytes
    language: bytes


@dataclass(frozen=True, slots=True)
class Rule:
    """What the publication says of one operation's answers."""

    api: str
    shared: Shared
    replaced: frozenset[bytes] = frozenset()  # names, in lower case, that its header rules take away
    added: bytes = b""  # lines that they add


def key_of(rule: Rule, request: Request, caller: Caller) -> Key:
    environment = caller.principal.environment.encode("ascii")
    if rule.shared is Shared.EVERYONE:
        group = environment
    elif rule.shared is Shared.ORGANISATION:
        # The service is told the scopes too, and may answer by them.
        told = dict(caller.identity)
        group = b"%b\n%b\n%b" % (environment, told[b"Sluss-Organisation"], told[b"Sluss-Scope"])
    else:
        group = caller.lines
    return Key(
        rule.api,
        request.path,
        request.target,
        request.authority.lower(),
        request.secure,
        group,
        request.accept or b"",
        request.accept_language or b"",
    )


def selected(vary: tuple[bytes, ...], asked: Fields, caller: Caller) -> tuple[bytes, ...]:
    """The values of a request, and of what the gateway tells about it, under the names of Vary."""
    identity = {name.lower(): value for name, value in caller.identity}
    return tuple(
        identity.get(name, b"") if name.startswith(b"sluss-") else b", ".join(asked.get(name, ()))
        for name in vary
    )
