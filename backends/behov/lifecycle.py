"""The way of a need: nytt (new) → nyttigt (useful) → nyttiggjort (in use). Pure.

The three stages are those by which Nordic healthcare regions define innovation; `avslutat` is a need that
nobody pursues any longer.
"""

from __future__ import annotations

from types import MappingProxyType

STAGES = ("nytt", "nyttigt", "nyttiggjort", "avslutat")
EVENTS = ("prove", "adopt", "reopen", "close")

NEXT = MappingProxyType(
    {
        ("nytt", "prove"): "nyttigt",
        ("nytt", "close"): "avslutat",
        ("nyttigt", "adopt"): "nyttiggjort",
        ("nyttigt", "reopen"): "nytt",
        ("nyttigt", "close"): "avslutat",
        ("nyttiggjort", "reopen"): "nyttigt",
        ("avslutat", "reopen"): "nytt",
    }
)


def after(stage: str, event: str) -> str | None:
    """The stage that follows, or None when the event does not fit."""
    return NEXT.get((stage, event))


def allowed(stage: str) -> tuple[str, ...]:
    """Events that fit a stage."""
    return tuple(event for event in EVENTS if (stage, event) in NEXT)
