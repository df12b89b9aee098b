"""One OAuth call: the transaction it runs in, its time, who sent it and the proof it carries."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from auth.origin import Origin
from auth.proofs.dpop import Proof
from auth.server.form import Form
from auth.server.presented import Presented


@dataclass(frozen=True, slots=True)
class Call:
    session: AsyncSession
    now: int
    origin: Origin
    shown: Presented
    form: Form
    address: str = ""  # of the endpoint, as clients know it
    proof: Proof | None = field(
        default=None, repr=False
    )  # DPoP, right in itself; not yet asked whether it is new
    binds: bool = False  # whether this endpoint gives what may be bound to the proof or the certificate
