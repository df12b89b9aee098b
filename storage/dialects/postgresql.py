"""PostgreSQL through asyncpg: a small bounded pool, and libpq's TLS parameters.

A connection is tried before it is lent, so a database that came back is used again without a restart and no
caller meets a dead connection's transaction.
"""

from __future__ import annotations

import ssl

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.errors import InvalidValue

CONNECTIONS = 5
MORE_AT_PEAK = 5
CONNECT_S = 5
STATEMENT_S = 10

SESSION_SETTINGS = {
    "application_name": "sluss",
    # A caller that hangs inside a transaction must not hold its locks for ever.
    "idle_in_transaction_session_timeout": "60s",
    # Short queries: compiling them costs more than it gives.
    "jit": "off",
}


def for_asyncpg(url: URL) -> URL:
    """The URL with asyncpg as driver. libpq's `sslmode` and `sslrootcert` become an `ssl` context in
    `engine`.
    """
    if not url.database:
        raise InvalidValue("PostgreSQL needs a database name: postgresql://host/name")
    return url.set(drivername="postgresql+asyncpg")


def engine(url: URL, wait: float) -> AsyncEngine:
    query = dict(url.query)
    mode, root = query.pop("sslmode", None), query.pop("sslrootcert", None)
    arguments: dict[str, object] = {"timeout": CONNECT_S, "command_timeout": STATEMENT_S}
    arguments["server_settings"] = {**SESSION_SETTINGS, "lock_timeout": f"{int(wait * 1000)}ms"}
    if mode is not None:
        arguments["ssl"] = tls(str(mode), None if root is None else str(root))
    return create_async_engine(
        url.set(query=query),
        connect_args=arguments,
        pool_size=CONNECTIONS,
        max_overflow=MORE_AT_PEAK,
        pool_timeout=wait,
        pool_pre_ping=True,
        hide_parameters=True,  # values stay out of exceptions, and so out of logs
    )


def read_only(write: AsyncEngine) -> AsyncEngine:
    """The same pool, with transactions that see one moment and refuse writes."""
    return write.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def tls(mode: str, root: str | None) -> ssl.SSLContext | str | bool:
    """libpq's `sslmode` in asyncpg's words. `verify-ca` and `verify-full` check against `root` or the
    system's.
    """
    if mode == "disable":
        return False
    if mode not in ("allow", "prefer", "require", "verify-ca", "verify-full"):
        raise InvalidValue(f"no such sslmode: {mode}")
    if mode not in ("verify-ca", "verify-full"):
        return mode
    try:
        context = ssl.create_default_context(cafile=root)
    except OSError as error:
        raise InvalidValue(f"sslrootcert cannot be read: {error}") from error
    context.check_hostname = mode == "verify-full"
    return context
