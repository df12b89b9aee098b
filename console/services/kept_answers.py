"""Emptying the edges' caches: for an API's owner who has corrected data that must not be shown any longer.

Owns who may, and the entry in the audit log. Every edge process follows, as it follows any change.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from console.errors import FieldFault, Invalid
from console.roles import Actor
from console.services.journal import record
from console.services.standing import demand_operator
from gateway.catalog.model import Catalog
from storage import changes

ACT: Final = "cache.purge"  # an operator's act, in no organisation
ALL: Final = "*"


async def purge(session: AsyncSession, actor: Actor, api: str | None, *, catalog: Catalog, now: int) -> None:
    """`api` is an API's key (`behov/v1`), or its id for every version; None for all. Operators only."""
    demand_operator(actor)
    known = {key for each in catalog.apis.values() for key in (each.key, each.id)}
    if api is not None and api not in known:
        there = ", ".join(sorted(catalog.apis)) or "-"
        raise Invalid(
            "no such API",
            fields=[
                FieldFault(
                    "api",
                    "unknown-api",
                    f"Det finns inget sådant API. Publicerade: {there}.",
                    f"There is no such API. Published: {there}.",
                )
            ],
        )
    await changes.bump(session, changes.KEPT_ANSWERS, api or "")
    await record(session, actor, ACT, "cache", api or ALL, now=now)
