"""The handshake of a WebSocket is a call like others until the upstream agrees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.catalog.model import Environment, Upstream
from tests.gateway.served import KEY, served
from tests.parts.process import free_port

SHAKE: dict[str, Any] = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


async def test_it_goes_to_another_upstream_when_one_is_not_there(tmp_path: Path) -> None:
    async with served(tmp_path) as line:
        api = line.publish()
        places = (Upstream(f"http://127.0.0.1:{free_port()}"), Upstream(line.upstream.url))
        api = replace(api, upstreams={Environment.SANDBOX: places})
        line.use(replace(line.catalog, apis={**line.catalog.apis, KEY: api}))
        for count in range(1, 4):
            assert (await line.ask("/eko/v1/socket", **SHAKE)).status == 200  # no 101: it speaks no WebSocket
            assert line.asked == count
