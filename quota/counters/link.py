"""One connection to Redis.

Owns connecting, EVALSHA with its fallback, and the mapping of every foreign exception. Deadlines are the
caller's: a cancelled exchange closes the connection. Nothing is ever sent
again by itself: after a failure the connection is closed and the caller decides. NOSCRIPT alone is answered
by EVAL, since it says that nothing ran. redis-py's own retries are switched off for the same reason.
"""

from __future__ import annotations

import hashlib
import select

from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from quota.errors import CountersUnreachable


class Script:
    """A script's text and the digest it is called by."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text.encode()
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().encode()


class Link:
    """A connection that is opened when first used and after each failure. One exchange at a time."""

    def __init__(self, url: str) -> None:
        """`url`: redis://, rediss:// or unix://."""
        pool = ConnectionPool.from_url(
            url,
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
        )
        self._connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]

    async def command(self, *words: bytes) -> object:
        """One plain command. CountersUnreachable: whether it ran is not known."""
        return await self._exchange(words, None)

    async def script(self, script: Script, keys: list[bytes], arguments: list[bytes]) -> bytes:
        """One script that answers with a string. CountersUnreachable: whether it ran is not known."""
        rest = (b"%d" % len(keys), *keys, *arguments)
        answer = await self._exchange((b"EVALSHA", script.digest, *rest), (b"EVAL", script.text, *rest))
        if not isinstance(answer, bytes):
            raise CountersUnreachable(f"unexpected answer: {type(answer).__name__}")
        return answer

    def answer_is_here(self) -> bool:
        """Whether something is in the socket that was not read yet."""
        writer = getattr(self._connection, "_writer", None)  # redis-py's own; None when not connected
        if writer is None or writer.is_closing():
            return False
        poll = select.poll()
        poll.register(writer.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    async def close(self) -> None:
        """Close the connection; a later exchange opens it again."""
        try:
            await self._connection.disconnect(nowait=True)
        except (RedisError, OSError):
            return

    async def _exchange(self, words: tuple[bytes, ...], instead: tuple[bytes, ...] | None) -> object:
        connection = self._connection
        try:
            if not connection.is_connected:
                await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_command(*words, check_health=False)
            try:
                return await connection.read_response()
            except NoScriptError:
                if instead is None:
                    raise
                await connection.send_command(*instead, check_health=False)
                return await connection.read_response()
        except (RedisError, OSError) as error:
            await self.close()
            raise CountersUnreachable(f"{type(error).__name__}: {error}") from error
        except BaseException:
            await self.close()  # a half-read answer must never be taken for the next one
            raise
