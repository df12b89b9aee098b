"""Answers of the sandbox held against their document: told and counted, never changed."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from pathlib import Path

import pytest

from gateway.validation import tally
from tests.line_support.scripted_upstream import Visit, answering
from tests.validation.judged_line import Judged, judged

LOG = "{response: log, body: 4096}"


def answer(status: int = 200, body: bytes = b'[{"id":"1","name":"Ett"}]', *fields: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


JSON = "Content-Type: application/json"
TOTAL = "X-Total: 1"


async def judged_parts(line: Judged) -> dict[str, int]:
    """What was counted, once the verdict has fallen: it comes after the answer."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return line.counted("response")


@pytest.mark.parametrize(
    ("sent", "parts"),
    [
        (answer(200, b'[{"id":"1","name":"Ett"}]', JSON, TOTAL), {}),
        (answer(200, b"[]", JSON, "x-total: 0"), {}),
        (answer(200, b"[]", JSON), {"header": 1}),
        (answer(200, b"[]", JSON, "X-Total: many"), {"header": 1}),
        (answer(200, b"[]", "Content-Type: text/html", TOTAL), {"header": 1}),
        (answer(200, b"[]", TOTAL), {"header": 1}),
        (answer(200, b'[{"name":"Ett","x":1}]', JSON, TOTAL), {"body": 2}),
        (answer(200, b"[", JSON, TOTAL), {"body": 1}),
        (answer(200, b"", JSON, TOTAL), {"body": 1}),
        (answer(200, b'[{"name":"Ett","name":"Tv"}]', JSON, TOTAL), {"body": 1}),
        (answer(500, b"broken", "Content-Type: text/plain"), {"status": 1}),
        (answer(404, b"{}", "Content-Type: application/problem+json"), {}),
        (answer(404, b"{}", JSON), {"header": 1}),
        (answer(200, json.dumps(["x" * 5000]).encode(), JSON, TOTAL), {"unjudged": 1}),
        (answer(200, gzip.compress(b"[]"), JSON, TOTAL, "Content-Encoding: gzip"), {"unjudged": 1}),
    ],
)
async def test_what_is_wrong_is_counted_and_the_answer_passes(
    tmp_path: Path, sent: bytes, parts: dict[str, int]
) -> None:
    async with judged(tmp_path, answering(sent), LOG) as line:
        got = await line.ask("GET /sample/v1/things")
        head, _, body = sent.partition(b"\r\n\r\n")
        assert (got.status, got.body) == (int(head.split(b" ")[1]), body)
        assert await judged_parts(line) == parts
        assert line.stand.tally.held.bytes == 0


async def test_in_pieces_and_chunks(tmp_path: Path) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(
            f"HTTP/1.1 200 OK\r\n{JSON}\r\n{TOTAL}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        for octet in b'[{"id":"1","name":7}]':
            await visit.send(b"1\r\n%c\r\n" % octet)
        await visit.send(b"0\r\n\r\n")

    async with judged(tmp_path, script, LOG) as line:
        assert (await line.ask("GET /sample/v1/things")).body == b'[{"id":"1","name":7}]'
        assert await judged_parts(line) == {"body": 1}


async def test_an_answer_that_was_cut_is_not_judged_as_whole(tmp_path: Path) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(f"HTTP/1.1 200 OK\r\n{JSON}\r\n{TOTAL}\r\nContent-Length: 50\r\n\r\n[".encode())

    async with judged(tmp_path, script, LOG) as line:
        assert not (await line.ask("GET /sample/v1/things")).whole
        assert await judged_parts(line) == {}
        assert line.stand.tally.held.bytes == 0


async def test_head_has_no_body_to_judge(tmp_path: Path) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(f"HTTP/1.1 200 OK\r\n{TOTAL}\r\nContent-Length: 50\r\n\r\n".encode())

    async with judged(tmp_path, script, LOG) as line:
        assert (await line.ask("HEAD /sample/v1/things")).status == 200
        assert await judged_parts(line) == {}


async def test_the_owner_reads_where_and_never_what(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """P1: the log line has codes and the document's names; no value and no made-up name."""
    caplog.set_level(logging.WARNING, "sluss.validation")
    secret = "191212121212"
    body = json.dumps([{"id": secret, "name": "Ett", "count": secret, secret: 1}]).encode()
    async with judged(tmp_path, answering(answer(200, body, JSON, TOTAL)), LOG) as line:
        await line.ask("GET /sample/v1/things")
        await judged_parts(line)
        told = "sample/v1 listThings: body /0/count type, body /0/… unknown-name"
        assert f"response breaks the document of {told}" in caplog.text
        assert secret not in caplog.text


async def test_what_is_held_for_judging_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "HELD_BYTES", 10)
    async with judged(tmp_path, answering(answer(200, b'[{"id":"1","name":7}]', JSON, TOTAL)), LOG) as line:
        line.stand.tally.held.limit = 10
        assert (await line.ask("GET /sample/v1/things")).status == 200
        assert await judged_parts(line) == {"unjudged": 1}


@pytest.mark.parametrize("validation", ["{}", "{request: enforce}"])
async def test_off_looks_at_nothing(tmp_path: Path, validation: str) -> None:
    async with judged(tmp_path, answering(answer(500)), validation) as line:
        assert (await line.ask("GET /sample/v1/things")).status == 500
        assert await judged_parts(line) == {}


async def test_beside_the_cache(tmp_path: Path) -> None:
    """Both watch one answer; the kept one is not judged again."""
    sent = answer(200, b'[{"id":"1","name":7}]', JSON, TOTAL, "Cache-Control: public, max-age=60")
    async with judged(tmp_path, answering(sent), LOG, extra="cache: { shared: organisation }") as line:
        await line.ask("GET /sample/v1/things")
        again = await line.ask("GET /sample/v1/things")
        assert again.body == b'[{"id":"1","name":7}]'
        assert "hit" in str(again.field("cache-status"))
        assert await judged_parts(line) == {"body": 1}
