"""When Sluss is not there nothing passes; and nginx gives on every status that Sluss may answer with."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.errors import STATUS
from tests.deploy import fronts
from tests.deploy.recorder import Recorder, ask, head
from tests.line_support.scripted_upstream import Visit
from tests.parts.process import free_port

# Only an edge that carries the call itself answers so: nobody is told them in decision mode.
CARRIERS = {408, 413, 417, 499, 502, 504, 505}


@pytest.mark.parametrize("name", sorted(fronts.PROXIES))
def test_without_an_answer_from_sluss_nothing_passes(name: str, tmp_path: Path, service: Recorder) -> None:
    if reason := fronts.missing(name):
        pytest.skip(reason)
    place = fronts.place(tmp_path, free_port(), service.port)
    process = fronts.start(tmp_path, name, fronts.PROXIES[name][1](place))
    try:
        process.wait_until(lambda: _status(place.port) >= 500)
        for line in ("GET /eko/v1/echo", "POST /eko/v1/echo", "GET /"):
            assert ask(place.port, head(line, "Authorization: Bearer a", "Content-Length: 0")).status >= 500
    finally:
        process.end(keep=False)
    assert service.taken() == []


def _status(port: int) -> int:
    with suppress(OSError, asyncio.IncompleteReadError):
        return ask(port, head("GET /eko/v1/echo")).status
    return 0


async def _refuse(visit: Visit) -> None:
    """Sluss's part: the status that the path names, with a document."""
    while True:
        arrived = await visit.request()
        (target,) = arrived.values("x-original-uri")
        _, status, kind = target.split("/")
        await visit.send(
            b"HTTP/1.1 %b Refused\r\nContent-Type: application/%b\r\nRetry-After: 7\r\nContent-Length: 0\r\n"
            b'Sluss-Problem: {"status":%b,"detail":"\\u00e5"}\r\n\r\n'
            % (status.encode(), kind.encode(), status.encode())
        )


def test_nginx_gives_on_every_status_and_both_forms(tmp_path: Path, service: Recorder) -> None:
    if reason := fronts.missing("nginx"):
        pytest.skip(reason)
    with Recorder(_refuse).running() as sluss:
        place = fronts.place(tmp_path, sluss.port, service.port)
        process = fronts.start(tmp_path, "nginx", fronts.PROXIES["nginx"][1](place))
        try:
            process.wait_until(lambda: _get(place.port, "/401/problem+json")[0] == 401)
            for status in sorted(set(STATUS.values()) - CARRIERS):
                for kind in ("problem+json", "fhir+json"):
                    found = _get(place.port, f"/{status}/{kind}")
                    body = b'{"status":%d,"detail":"\\u00e5"}' % status
                    assert found == (status, f"application/{kind}", "7", body)
            assert _get(place.port, "/502/problem+json")[0] == 503
        finally:
            process.end(keep=False)
    assert service.taken() == []


def _get(port: int, path: str) -> tuple[int, str | None, str | None, bytes]:
    with suppress(OSError, asyncio.IncompleteReadError):
        answer = ask(port, head(f"GET {path}"))
        return answer.status, answer.field("content-type"), answer.field("retry-after"), answer.body
    return 0, None, None, b""
