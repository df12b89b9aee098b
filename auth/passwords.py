"""People's passwords: which are accepted, and how they are hashed (Argon2id, RFC 9106).

The rules are NIST's (SP 800-63B, 3.1.1.2): length, a list of common ones, nothing that the account itself
says; no classes of characters. Hashing takes 50 ms of a core and 46 MiB, so it runs in two threads of its
own and the queue to them is short: many sign-ins at once must not stop the loop nor fill the memory.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from auth.errors import (
    PasswordHoldsEmail,
    PasswordTooCommon,
    PasswordTooLong,
    PasswordTooShort,
    TooManyAttempts,
)

T = TypeVar("T")

SHORTEST = 12
LONGEST = 256
_THREADS = 2
_LONGEST_QUEUE = 64  # 64 × 50 ms / 2: the last in the queue waits under two seconds

# Those of the public lists with twelve characters or more, and the words of this place. Compared without case.
COMMON = frozenset(
    {
        "123456789012",
        "1234567890123",
        "123456789123",
        "1234567891011",
        "111111111111",
        "000000000000",
        "121212121212",
        "aaaaaaaaaaaa",
        "abcdefghijkl",
        "abcdefghijklm",
        "abcd12345678",
        "1q2w3e4r5t6y",
        "1qaz2wsx3edc",
        "qazwsxedcrfv",
        "qwerty123456",
        "qwertyuiop12",
        "qwertyuiop123",
        "qwertyuiopas",
        "qwertyuiopasdf",
        "asdfghjklöäå",
        "asdfghjkl123",
        "administrator",
        "administratör",
        "changemenow1",
        "changemenow!",
        "iloveyou1234",
        "letmein12345",
        "motherfucker",
        "passw0rd1234",
        "password1234",
        "password12345",
        "password123!",
        "password2024",
        "password2025",
        "password2026",
        "passwordpassword",
        "unbelievable",
        "welcome12345",
        "welcome123456",
        "correcthorsebatterystaple",
        "correct horse battery staple",
        "hemligthemligt",
        "lösenord1234",
        "lösenord12345",
        "lösenord123!",
        "lösenord2024",
        "lösenord2025",
        "lösenord2026",
        "losenord1234",
        "losenord12345",
        "sommar123456",
        "sommaren2024",
        "sommaren2025",
        "sommaren2026",
        "vintern12345",
        "välkommen123",
        "valkommen123",
        "sjukhuset123",
        "sluss1234567",
        "slussslussen",
    }
)


def normalised(password: str) -> str:
    """One spelling for one password: keyboards send å as one character or as two (NFC)."""
    return unicodedata.normalize("NFC", password)


def check(password: str, email: str) -> None:
    """Raises a subclass of WeakPassword."""
    text = normalised(password)
    if len(text) < SHORTEST:
        raise PasswordTooShort
    if len(text) > LONGEST:
        raise PasswordTooLong
    folded = text.casefold()
    if folded in COMMON or len(set(folded)) == 1:
        raise PasswordTooCommon
    if email and email.casefold() in folded:
        raise PasswordHoldsEmail


class Passwords:
    """Hashes and compares in threads of its own. `close` when done."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        # 46 MiB, one pass, one lane: OWASP's first choice; the library's default takes four times as long.
        self._hasher = hasher or PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        self._nobody = self._hasher.hash("nobody has this password")

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Raises TooManyAttempts when the queue is full."""
        return await self._queued(partial(self._hash, password))

    async def matches(self, password: str, stored: str | None) -> bool:
        """Whether it is the password of `stored`; None is nobody, and takes the same time."""
        return await self._queued(partial(self._matches, password, stored))

    def outdated(self, stored: str) -> bool:
        """Whether it was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    async def _queued(self, work: Callable[[], T]) -> T:
        if self._waiting >= _LONGEST_QUEUE:
            raise TooManyAttempts(retry_after=2)
        self._waiting += 1
        # A thread pool and not a semaphore: a caller who goes away frees its place in the queue, but the thread
        # is busy until the hash is done.
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(_octets(password))

    def _matches(self, password: str, stored: str | None) -> bool:
        # What is too long for anybody is cut and compared all the same: every refusal takes the same work.
        try:
            self._hasher.verify(stored or self._nobody, _octets(password[: 4 * LONGEST]))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None


def _octets(password: str) -> bytes:
    return normalised(password).encode("utf-8", "surrogatepass")
