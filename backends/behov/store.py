"""Needs, answers and transitions in memory; bounded, one store for each environment. No clock and no HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

MOST_NEEDS = 500
MOST_ANSWERS = 100
MOST_TRANSITIONS = 100

AREAS = (
    "patient-safety",
    "infection-control",
    "rehabilitation",
    "mental-health",
    "elderly-care",
    "self-care",
    "diagnostics",
    "logistics",
    "working-environment",
)


@dataclass(frozen=True, slots=True)
class Answer:
    id: str
    text: str
    contact: str | None
    created_at: str


@dataclass(frozen=True, slots=True)
class Transition:
    id: str
    event: str
    before: str | None
    after: str
    reason: str
    occurred_at: str


@dataclass(frozen=True, slots=True)
class Need:
    id: str
    title: dict[str, str]
    description: dict[str, str]
    area: str
    unit: str | None
    stage: str
    organisation: str | None  # who wrote it; None: the region itself
    created_at: str
    updated_at: str
    answers: tuple[Answer, ...] = ()
    transitions: tuple[Transition, ...] = ()


class Full(Exception):
    """A need takes no more answers or transitions."""


def new_id(prefix: str) -> str:
    """128 random bits: nobody finds a need by counting."""
    return f"{prefix}_{secrets.token_hex(16)}"


@dataclass(slots=True)
class Store:
    """`needs` is in the order of writing, oldest first."""

    needs: dict[str, Need] = field(default_factory=dict)

    def search(self, stage: str | None, area: str | None, words: Sequence[str]) -> list[Need]:
        """Newest first. Every word must stand in a title or description."""
        wanted = [word.casefold() for word in words]
        found = [
            need
            for need in self.needs.values()
            if (stage is None or need.stage == stage)
            and (area is None or need.area == area)
            and all(word in _text(need) for word in wanted)
        ]
        return sorted(found, key=lambda need: (need.created_at, need.id), reverse=True)

    def add(self, need: Need) -> None:
        """The oldest need that an app wrote goes when there are too many; those of the region stay."""
        if len(self.needs) >= MOST_NEEDS:
            oldest = next((held.id for held in self.needs.values() if held.organisation is not None), None)
            if oldest is None:
                raise Full
            del self.needs[oldest]
        self.needs[need.id] = need

    def answer(self, need: Need, answer: Answer) -> None:
        if len(need.answers) >= MOST_ANSWERS:
            raise Full
        self.needs[need.id] = replace(need, answers=(*need.answers, answer))

    def move(self, need: Need, transition: Transition) -> None:
        if len(need.transitions) >= MOST_TRANSITIONS:
            raise Full
        self.needs[need.id] = replace(
            need,
            stage=transition.after,
            updated_at=transition.occurred_at,
            transitions=(*need.transitions, transition),
        )


def _text(need: Need) -> str:
    return " ".join((*need.title.values(), *need.description.values())).casefold()
