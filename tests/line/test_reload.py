"""A changed publication is taken within two seconds; a faulty one never (F14, F15)."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.line.platform import Platform

BOUND_S = 2.0


@pytest.fixture
def platform(own_platform: Callable[..., Platform]) -> Platform:
    return own_platform().start()


def within_bound(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + BOUND_S
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_reload(platform: Platform) -> None:
    client = platform.client()
    token = platform.token(client)
    file = platform.catalog / "eko" / "api.yaml"
    sound = file.read_text()

    def status() -> int:
        return platform.get("/eko/v1/echo", token).status_code

    assert status() == 200

    file.write_text(sound.replace("status: active", "status: retired"))
    within_bound(lambda: status() == 410)

    file.write_text(sound)
    within_bound(lambda: status() == 200)

    file.write_text(sound.replace("status: active", "status: asleep\nstrange: 1"))
    within_bound(lambda: platform.metric("sluss_catalog_faults") == 2)
    assert status() == 200, "the running catalogue stays"
    assert "api.yaml:8" in platform.log("edge-0"), "the log names the file and the line"

    file.write_text(sound)
    within_bound(lambda: platform.metric("sluss_catalog_faults") == 0)
    assert status() == 200


def test_a_faulty_catalogue_at_the_start_stops_the_start(own_platform: Callable[..., Platform]) -> None:
    platform = own_platform()
    file = platform.catalog / "eko" / "api.yaml"
    file.write_text(file.read_text().replace("family: rest", "family: soap"))
    with pytest.raises(AssertionError, match=r"api\.yaml:\d+"):
        platform.start()
    assert platform.processes["edge-0"].wait(10) == 1
