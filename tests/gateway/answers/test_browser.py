"""CORS as a real Chromium keeps it: fetch() from another origin, with a token, a preflight and headers to read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from gateway.catalog.answers.values import Answers, Cors
from tests.gateway.served import Served
from tests.portal.conftest import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
CALL = """async ([url, options]) => {
    try {
        const answer = await fetch(url, options);
        const read = Object.fromEntries([...answer.headers].map(([name, value]) => [name, value]));
        return { status: answer.status, body: await answer.text(), read };
    } catch (error) { return { error: String(error) }; }
}"""


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    """A page's own server, on another port: another origin."""

    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\nConnection: close\r\n\r\n"
            b"<!doctype html>"
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(page, "127.0.0.1", 0)
    try:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield launched
        await launched.close()


async def fetched(page: Page, line: Served, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = await page.evaluate(
        CALL, [f"http://localhost:{line.port}{options.pop('path', '/eko/v1/echo')}", options]
    )
    return found


async def test_a_page_calls_across_origins(line: Served, origin: str, browser: Browser) -> None:
    line.publish(Answers(cors=Cors((origin,), headers=("X-Trace",), expose=("X-Total",))))
    line.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Total: 7\r\nX-Secret: 1\r\n\r\nok"
    page = await browser.new_page()
    await page.goto(origin)
    authorized = {"Authorization": line.stand.token(), "X-Trace": "1"}
    good = await fetched(page, line, method="PUT", headers=authorized, body="x")
    assert (good["status"], good["body"]) == (200, "ok")
    assert {"ratelimit", "ratelimit-policy", "request-id", "traceparent", "x-total"} <= set(good["read"])
    assert "x-secret" not in good["read"]
    methods = [record.method for record in line.stand.records]
    assert methods == ["OPTIONS", "PUT"]
    refused = await fetched(page, line, headers={"Authorization": "Bearer nonsense"})
    assert (refused["status"], refused["read"]["www-authenticate"].split(" ")[0]) == (401, "Bearer")
    # what the publication does not name, the browser itself keeps from the page
    assert "error" in await fetched(page, line, headers={**authorized, "X-Other": "1"})
    assert "error" in await fetched(page, line, headers=authorized, credentials="include")
    assert "error" in await fetched(page, line, path="/eko/v1/nowhere", headers=authorized)
    assert line.asked == 1  # the good call alone: all else ended at the preflight


async def test_a_page_of_an_origin_that_is_not_named_reads_nothing(
    line: Served, origin: str, browser: Browser
) -> None:
    line.publish(Answers(cors=Cors(("https://app.example",))))
    page = await browser.new_page()
    await page.goto(origin)
    assert "error" in await fetched(page, line, headers={"Authorization": line.stand.token()})
    assert "error" in await fetched(page, line)
    assert line.asked == 0
    # a sandboxed frame has the origin null
    await page.set_content('<iframe sandbox="allow-scripts" srcdoc="<p>x"></iframe>')
    frame = page.frames[-1]
    found = await frame.evaluate(CALL, [f"http://localhost:{line.port}/eko/v1/echo", {}])
    assert "error" in found


async def test_open_data_are_read_by_every_page(line: Served, origin: str, browser: Browser) -> None:
    line.publish(Answers(cors=Cors(("*",))))
    page = await browser.new_page()
    await page.goto(origin)
    good = await fetched(page, line, headers={"Authorization": line.stand.token()})
    assert (good["status"], "ratelimit" in good["read"]) == (200, True)
    assert "error" in await fetched(page, line, credentials="include")
