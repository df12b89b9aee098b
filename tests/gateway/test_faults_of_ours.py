"""A fault of the gateway's own in the middle of a call: answered, and nothing stays taken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.catalog.model import Judging, Validation
from gateway.proxy.upstreams import Upstreams
from quota.counters.protocol import Outcome
from tests.gateway.served import Served, served

SHAKE: dict[str, Any] = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as made:
        whole = made.stand.line.upstreams
        made.publish(validation=Validation(request=Judging.ENFORCE))
        made.stand.line.upstreams = cast(Upstreams, None)  # whoever asks it for a group falls
        try:
            yield made
        finally:
            made.stand.line.upstreams = whole


@pytest.mark.parametrize(
    ("path", "fields"), [("/eko/v1/echo", {}), ("/eko/v1/socket", SHAKE)], ids=["call", "websocket"]
)
async def test_the_caller_is_answered_and_the_unit_goes_back(
    line: Served, path: str, fields: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    counters, tunnels = line.stand.counters, line.stand.line.tunnels
    assert (await line.ask(path, **fields)).status == 500
    assert "the line failed" in caplog.text
    assert [(total.outcome, total.calls) for total in counters.totals()] == [(Outcome.UPSTREAM_FAILED, 1)]
    assert tunnels.open == 0


async def test_also_after_a_body_was_read(line: Served, caplog: pytest.LogCaptureFixture) -> None:
    head = line.head("/eko/v1/echo", "POST", Content_Type="application/json", Content_Length="2")
    assert (await line.ask("", "POST", raw=head + b"{}")).status == 500
    assert "the line failed" in caplog.text
    totals = line.stand.counters.totals()
    assert [(total.outcome, total.calls) for total in totals] == [(Outcome.UPSTREAM_FAILED, 1)]
