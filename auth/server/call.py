"""One OAuth call: the transaction it runs in, its time, who sent it and the proof it carries."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from auth.origin import Origin
from auth.server.clients import Presented
from auth.server.form import Form


@dataclass(frozen=True, slots=True)
class Call:
    session: AsyncSession
    now: int
    origin: Origin
    shown: Presented
    form: Form
