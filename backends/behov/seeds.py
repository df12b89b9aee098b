"""The needs every store begins with. All clinics, companies and events are fictive.

Ids are derived from the title, so that a link to a need of the region holds after a restart.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from backends.behov.store import Answer, Need, Store, Transition

FILE = Path(__file__).with_name("needs.json")


def _id(prefix: str, *parts: str) -> str:
    return f"{prefix}_{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:32]}"


def _need(value: dict[str, Any]) -> Need:
    title = value["title"]["sv"]
    transitions = tuple(
        Transition(
            id=_id("ste", title, move["occurredAt"]),
            event=move["event"],
            before=move.get("from"),
            after=move["to"],
            reason=move["reason"],
            occurred_at=move["occurredAt"],
        )
        for move in value["transitions"]
    )
    answers = tuple(
        Answer(_id("sva", title, said["createdAt"]), said["text"], said.get("contact"), said["createdAt"])
        for said in value["answers"]
    )
    return Need(
        id=_id("beh", title),
        title=value["title"],
        description=value["description"],
        area=value["area"],
        unit=value["unit"],
        stage=transitions[-1].after,
        organisation=None,
        created_at=transitions[0].occurred_at,
        updated_at=transitions[-1].occurred_at,
        answers=answers,
        transitions=transitions,
    )


def seeded() -> Store:
    needs = [_need(value) for value in json.loads(FILE.read_text(encoding="utf-8"))]
    return Store({need.id: need for need in sorted(needs, key=lambda need: need.created_at)})
