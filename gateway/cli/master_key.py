"""The master key, taken only when it fits the signing keys in the database.

A command with the wrong data directory would otherwise make a new master key, seal the next signing key with
it, and leave the running platform with keys it cannot open.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from auth.errors import KeyTrouble
from auth.tokens import signing, vault
from auth.tokens.signing import State
from gateway.cli.output import Failure
from gateway.settings import Settings
from storage import signing_keys

MEND = (
    "Put the right master.key back from its backup (is SLUSS_DATA_DIR the platform's own?), or, when it is lost "
    "for good: sluss keys rotate --lost-master-key"
)


async def fitting(session: AsyncSession, settings: Settings) -> bytes:
    """The master key that opens the keys in use; made where there are no keys yet. Raises Failure, OSError."""
    rows = [row for row in await signing_keys.all_published(session) if row.state != State.RETIRING]
    path = settings.master_key_path
    if rows and not path.exists():
        raise Failure(f"{path} is missing, and the database's signing keys are sealed with it. {MEND}")
    try:
        master = vault.load_or_create_master_key(path)
        for row in rows:
            signing.unlock(row, master)
    except KeyTrouble as error:
        raise Failure(f"{error.en} ({error}) {MEND}") from error
    return master


async def usable(session: AsyncSession, master: bytes) -> bool:
    """Whether the key that is active can sign with this master key."""
    rows = await signing_keys.all_published(session)
    try:
        for row in rows:
            if row.state == State.ACTIVE:
                signing.unlock(row, master)
    except KeyTrouble:
        return False
    return True
