"""One platform in decision mode and one service, and each proxy of deploy/ between them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy import fronts
from tests.deploy.recorder import Recorder, ask, head
from tests.line.platform import Client, Platform
from tests.parts import templates


@dataclass(frozen=True, slots=True)
class Front:
    """A proxy that asks Sluss, and what stands behind it."""

    name: str
    port: int
    service: Recorder
    platform: Platform
    client: Client
    token: str

    @property
    def bearer(self) -> str:
        return f"Authorization: Bearer {self.token}"


@pytest.fixture(scope="package")
def asked(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform that believes the proxies on this machine, and not its other loopback addresses: the clients'."""
    folder = tmp_path_factory.mktemp("asked")
    platform = Platform(folder, templates.sqlite_copy(sqlite_template, folder / "sluss.db"))
    platform.environment["SLUSS_TRUSTED_PROXIES"] = "127.0.0.1/32"
    try:
        yield platform.start()
    finally:
        platform.stop()


@pytest.fixture(scope="package")
def service() -> Iterator[Recorder]:
    with Recorder().running() as recorder:
        yield recorder


@pytest.fixture(scope="package")
def caller(asked: Platform) -> tuple[Client, str]:
    """An app that may call `eko` a great deal, with its token."""
    client = asked.client()
    return client, asked.token(client, life=3600)


@pytest.fixture(scope="package", params=sorted(fronts.PROXIES))
def front(
    request: pytest.FixtureRequest,
    asked: Platform,
    service: Recorder,
    caller: tuple[Client, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Front]:
    name: str = request.param
    if reason := fronts.missing(name):
        pytest.skip(reason)
    place = fronts.place(tmp_path_factory.mktemp(name), asked.ports[0], service.port)
    process = fronts.start(place.folder, name, fronts.PROXIES[name][1](place))
    try:
        process.wait_until(lambda: asks(place.port))
        yield Front(name, place.port, service, asked, *caller)
    finally:
        process.end(keep=False)


def asks(port: int) -> bool:
    """Whether the proxy has read its files and Sluss's own answer comes through it."""
    with suppress(OSError, asyncio.IncompleteReadError):
        return ask(port, head("GET /eko/v1/echo")).status == 401
    return False
