"""The echo, and answers of a chosen kind."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from http import HTTPStatus

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import connect

from backends.eko.app import LARGEST_BODY, MOST_BYTES, REPEATED, create
from tests.backends.contract import Client, Contract, client_of


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with client_of(create(), Contract("eko")) as client:
        yield client


@pytest.mark.parametrize("path", ["/echo", "/echo/hej"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_the_call_comes_back(client: Client, method: str, path: str) -> None:
    response = client.request(method, f"{path}?b=2&a=%C3%A5&b=1&c=", headers={"X-Try": "yes"})
    answer = response.json()
    assert (answer["method"], answer["path"]) == (method, path)
    assert [(pair["name"], pair["value"]) for pair in answer["query"]] == [
        ("b", "2"), ("a", "å"), ("b", "1"), ("c", ""),
    ]  # fmt: skip
    assert {"name": "x-try", "value": "yes"} in answer["headers"]
    assert answer["bodySize"] == 0
    assert "body" not in answer


def test_repeated_headers_come_back_one_by_one(client: Client) -> None:
    answer = client.get("/echo", headers=[("X-Two", "1"), ("X-Two", "2")]).json()
    assert [pair["value"] for pair in answer["headers"] if pair["name"] == "x-two"] == ["1", "2"]


def test_a_text(client: Client) -> None:
    answer = client.post("/echo", content="smörgås").json()
    assert (answer["body"], answer["bodySize"], answer["bodyTruncated"]) == ("smörgås", 9, False)


def test_bytes_that_are_no_text(client: Client) -> None:
    answer = client.post("/echo", content=b"\xff\x00").json()
    assert "body" not in answer
    assert base64.b64decode(answer["bodyBase64"]) == b"\xff\x00"


def test_a_long_body_is_counted_but_not_repeated_whole(client: Client) -> None:
    content = ("å" * REPEATED).encode()[1:]
    answer = client.put("/echo", content=b"x" + content).json()
    assert (answer["bodySize"], answer["bodyTruncated"]) == (2 * REPEATED, True)
    assert len(base64.b64decode(answer["bodyBase64"])) == REPEATED


def test_a_cut_inside_a_character(client: Client) -> None:
    answer = client.put("/echo", content=("x" + "å" * REPEATED).encode()).json()
    assert answer["body"] == "x" + "å" * (REPEATED // 2 - 1)


def test_a_body_that_is_too_large(client: Client) -> None:
    assert client.post("/echo", content=b"x" * (LARGEST_BODY + 1)).status_code == 413


@pytest.mark.parametrize("code", [200, 201, 204, 302, 304, 400, 401, 404, 418, 429, 500, 503, 599])
def test_a_chosen_status(code: int) -> None:
    # Not held against the document one by one: 201 and 302 have no Location here.
    with client_of(create()) as client:
        response = client.get(f"/status/{code}")
    assert response.status_code == code
    assert bool(response.content) is (code not in (204, 304))
    if code >= 400:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == code


def test_chosen_statuses_are_documented(client: Client) -> None:
    for status in HTTPStatus:
        if status >= 400 or status == 200:
            client.get(f"/status/{status.value}")


@pytest.mark.parametrize("path", ["/status/100", "/status/600", "/status/x", "/delay/10001", "/delay/-1",
                                  f"/bytes/{MOST_BYTES + 1}", "/bytes/1e3", "/stream?events=0",
                                  "/stream?events=1001", "/stream?interval=x"])  # fmt: skip
def test_out_of_bounds(client: Client, path: str) -> None:
    assert client.get(path).json()["code"] == "bad-request"


def test_a_delay(client: Client) -> None:
    assert client.get("/delay/1").json()["path"] == "/delay/1"


@pytest.mark.parametrize("count", [0, 1, 26, 65_535, 65_536, 200_001])
def test_many_bytes(client: Client, count: int) -> None:
    content = client.get(f"/bytes/{count}").content
    assert content == (b"abcdefghijklmnopqrstuvwxyz" * (count // 26 + 1))[:count]


def test_many_bytes_come_without_a_length() -> None:
    with client_of(create()) as client:
        assert "content-length" not in client.get("/bytes/10").headers


def test_a_stream_of_events(client: Client) -> None:
    response = client.get("/stream?events=3&interval=0")
    assert response.headers["content-type"].startswith("text/event-stream")
    events = response.text.split("\n\n")[:-1]
    assert [event.splitlines() for event in events] == [
        [f"id: {number}", "event: tick", f'data: {{"number":{number}}}'] for number in (1, 2, 3)
    ]


def test_any_path_below_echo_answers_when_called_directly() -> None:
    with client_of(create()) as client:
        assert client.get("/echo/a/b/c").json()["path"] == "/echo/a/b/c"


async def test_messages_come_back_as_they_were() -> None:
    """Over a real socket, and each of them is counted beside the connection."""
    config = uvicorn.Config(create(), port=0, log_level="warning", ws="websockets-sansio", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/socket", proxy=None) as connection:
            for message in ("räksmörgås", b"\x00\xff", ""):
                await connection.send(message)
                assert await connection.recv() == message
        async with httpx.AsyncClient(trust_env=False) as calls:
            counted = (await calls.get(f"http://127.0.0.1:{port}/_count")).json()
        assert counted == {"total": 4, "operations": {"echoSocket": 4}}
    finally:
        server.should_exit = True
        await serving
