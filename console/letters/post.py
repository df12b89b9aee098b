"""Letters that leave the platform. Until a mail server is set up they are put in a folder, for the operator to see.

Sent after the answer to the browser: how long it takes tells nobody whether an address has an account (T34), and a
mail server that hangs keeps no page waiting.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Awaitable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Protocol

_log = logging.getLogger("sluss.post")
MOST_WAITING = 200


@dataclass(frozen=True, slots=True)
class Letter:
    to: str
    subject: str
    text: str = field(repr=False)  # may hold a link that opens a door


class Outbox(Protocol):
    async def send(self, letter: Letter) -> None: ...


@dataclass(slots=True)
class FolderOutbox:
    """One file per letter (RFC 5322), readable by the platform's own user alone."""

    folder: Path

    async def send(self, letter: Letter) -> None:
        await asyncio.to_thread(self._write, message_of(letter))

    def _write(self, content: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{secrets.token_hex(8)}.eml"
        draft = self.folder / f".{name}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        draft.rename(self.folder / name)  # who watches the folder never sees half a letter


@dataclass(slots=True)
class MemoryOutbox:
    """Keeps letters: for a platform in one process, as in tests."""

    letters: list[Letter] = field(default_factory=list)

    async def send(self, letter: Letter) -> None:
        self.letters.append(letter)


def message_of(letter: Letter) -> bytes:
    """Raises ValueError for a line break in a header."""
    message = EmailMessage(policy=SMTP)
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message.set_content(letter.text)
    return message.as_bytes()


class Post:
    """Work that goes on after the answer. `settled` waits for it."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._under_way: set[asyncio.Task[None]] = set()

    def later(self, writing: Awaitable[Letter | None]) -> None:
        """Writes the letter and sends it; None is no letter. Too many at once are left unwritten."""
        if len(self._under_way) >= MOST_WAITING:
            _log.error("%d letters wait already; one more was not written", MOST_WAITING)
            asyncio.ensure_future(writing).cancel()  # a coroutine that nobody awaits would warn
            return
        task = asyncio.ensure_future(self._send(writing))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def send(self, letter: Letter) -> None:
        """One that is written already."""

        async def written() -> Letter:
            return letter

        self.later(written())

    async def settled(self) -> None:
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def _send(self, writing: Awaitable[Letter | None]) -> None:
        try:
            letter = await writing
            if letter is not None:
                await self._outbox.send(letter)
        except (
            Exception
        ) as error:  # whatever it is, nobody waits for the answer; its text may hold an address
            _log.error("a letter could not be sent: %s", type(error).__qualname__)
