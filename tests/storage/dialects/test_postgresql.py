"""PostgreSQL's URL: libpq's TLS parameters mean what libpq means by them."""

from __future__ import annotations

import ssl

import pytest
from sqlalchemy import text

from storage.database import Database
from storage.dialects.postgresql import tls
from storage.errors import InvalidValue, Unavailable


def test_verify_full_checks_the_certificate_and_the_name() -> None:
    context = tls("verify-full", None)
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname is True


def test_verify_ca_checks_the_certificate_alone() -> None:
    context = tls("verify-ca", None)
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname is False


@pytest.mark.parametrize("mode", ["allow", "prefer", "require"])
def test_the_modes_that_check_nothing_are_the_drivers(mode: str) -> None:
    assert tls(mode, None) == mode


def test_off_and_wrong_modes() -> None:
    assert tls("disable", None) is False
    with pytest.raises(InvalidValue):
        tls("verify", None)
    with pytest.raises(InvalidValue):
        tls("verify-full", "/no/such/root.pem")


@pytest.mark.postgres
async def test_a_demanded_tls_is_not_given_up(postgres_url: str) -> None:
    """The suite's server speaks no TLS: who demands it gets no connection."""
    for mode, works in (("disable", True), ("prefer", True), ("require", False), ("verify-full", False)):
        database = Database(f"{postgres_url}?sslmode={mode}")
        try:
            async with database.read() as session:
                await session.execute(text("SELECT 1"))
            assert works
        except Unavailable:
            assert not works
        finally:
            await database.close()


@pytest.mark.postgres
async def test_a_session_cannot_hold_its_locks_for_ever(postgres_url: str) -> None:
    database = Database(postgres_url, wait=3)
    async with database.read() as session:

        async def setting(name: str) -> str:
            return str((await session.execute(text(f"SHOW {name}"))).scalar_one())

        assert await setting("idle_in_transaction_session_timeout") == "1min"
        assert await setting("lock_timeout") == "3s"
        assert await setting("application_name") == "sluss"
        assert await setting("transaction_read_only") == "on"
        assert await setting("transaction_isolation") == "repeatable read"
    async with database.begin() as session:
        assert await setting("transaction_read_only") == "off"
    await database.close()
