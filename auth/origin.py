"""Who does something and from where, as every audited act records it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """`actor_kind`: person, app, operator, system or nobody (a caller that has not shown who it is)."""

    actor_kind: str
    actor_id: str
    ip: str = ""
    request_id: str = ""
    agent: str = ""  # browser and system in words, for the person's own list of sessions


def system(what: str) -> Origin:
    """The platform itself: a job or a command."""
    return Origin(actor_kind="system", actor_id=what)
