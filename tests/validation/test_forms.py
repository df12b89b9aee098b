"""Forms held against their document, through a real socket: every fault named, files never gathered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.validation.forms import MOST_FIELDS
from tests.line_support.raw_client import RawAnswer
from tests.line_support.scripted_upstream import Visit, answering, echo
from tests.validation.judged_line import Judged, judged

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FORM = "Content-Type: application/x-www-form-urlencoded"
PARTS = "Content-Type: multipart/form-data; boundary=x-Y"
PATH = "POST /sample/v1/forms"


def part(name: str, content: bytes, *more: str, file: str = "") -> bytes:
    told = f'; filename="{file}"' if file else ""
    lines = [f'--x-Y\r\nContent-Disposition: form-data; name="{name}"{told}', *more, "", ""]
    return "\r\n".join(lines).encode() + content + b"\r\n"


def picture(size: int = 10, kind: str = "image/png") -> bytes:
    return part("picture", b"\x89\r\n--" * (size // 5), f"Content-Type: {kind}", file="a.png")


END = b"--x-Y--\r\n"
GOOD = part("name", b"Ett") + part("count", b"3") + picture() + END


@pytest.mark.parametrize(
    "body",
    [
        b"name=Ett",
        b"name=%C3%85sa+Berg&count=3&tags=a&tags=b",
        b"name=Ett&shape=%7B%22kind%22%3A%22Round%22%2C%22radius%22%3A1%7D",
        b"name=Ett&other=x",
    ],
)
async def test_a_good_form_goes_on_byte_for_byte(tmp_path: Path, body: bytes) -> None:
    async with judged(tmp_path, echo) as line:
        answer = await line.ask(PATH, body, FORM)
        assert (answer.status, answer.body) == (200, body)
        assert line.counted() == {}


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (
            b"count=0&tags=a&tags=b&tags=c",
            [("/tags", "max-items"), ("/count", "minimum"), ("/name", "required")],
        ),
        (b"name=Ett&count=x", [("/count", "type")]),
        (b"name=Ett&count=05", [("/count", "type")]),
        (b"name=Ett&name=Tv%C3%A5", [("/name", "repeated-name")]),
        (b"name=Ett&shape=%7B", [("/shape", "not-json")]),
        (b"name=Ett&shape=%7B%22kind%22%3A1%7D", [("/shape/kind", "const"), ("/shape/radius", "required")]),
        (b"name=%FF%FF", [("", "malformed-form")]),
        (b"name=\xc3\xa5\xc3\xa5", [("", "malformed-form")]),
        (b"&".join([b"name=Ett", *[b"a=1"] * MOST_FIELDS]), [("", "too-many-fields")]),
    ],
)
async def test_every_fault_of_a_form_is_named(
    tmp_path: Path, body: bytes, faults: list[tuple[str, str]]
) -> None:
    async with judged(tmp_path, echo) as line:
        answer = await line.ask(PATH, body, FORM)
        assert answer.status == 400
        assert sorted(line.faults(answer)) == sorted(("body", *fault) for fault in faults)
        assert line.upstream.arrived == []
        assert line.stand.counters.said == ["take 1", "give back"]


@pytest.mark.parametrize("piece", [0, 1, 17])
async def test_a_good_multipart_form_goes_on_byte_for_byte(tmp_path: Path, piece: int) -> None:
    async with judged(tmp_path, echo) as line:
        answer = await send(line, GOOD, piece)
        assert (answer.status, answer.body) == (200, GOOD)
        assert line.counted() == {}


async def send(line: Judged, body: bytes, piece: int = 0, *fields: str) -> RawAnswer:
    """`piece`: in chunks of so many bytes, 0 for one length."""
    if not piece:
        return await line.ask(PATH, body, PARTS, *fields)
    chunks = [body[at : at + piece] for at in range(0, len(body), piece)]
    line.client.send(line.head(PATH, PARTS, "Transfer-Encoding: chunked", *fields))
    for chunk in chunks:
        line.client.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        await line.client.drain()
    line.client.send(b"0\r\n\r\n")
    return await line.client.answer("POST")


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (part("name", b"E") + part("count", b"x") + END,
         [("/name", "min-length"), ("/count", "type"), ("/picture", "required")]),
        (part("name", b"Ett") + picture(kind="image/gif") + END, [("/picture", "part-type")]),
        (part("name", b"Ett") + picture() + picture() + END, [("/picture", "repeated-name")]),
        (part("name", b"Ett", "Content-Type: text/html") + picture() + END, [("/name", "part-type")]),
        (part("name", b"Ett", "Content-Type: text/plain; charset=latin1") + picture() + END, [("/name", "charset")]),
        (part("name", b"\xff\xff") + picture() + END, [("/name", "not-utf8")]),
        (part("name", b"Ett") + part("shape", b"{") + picture() + END, [("/shape", "not-json")]),
        (part("name", b"Ett") + picture() + part("more", b"x") + END, [("/more", "unknown-name")]),
        (part("count", b"0") + picture(), [("", "malformed-form")]),
        (b"--x-Y\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END, [("", "part-name")]),
        (part("name", b"E" * 300_000) + picture() + END, [("", "fields-too-large")]),
        (part("notes", b"", file="a") * (MOST_FIELDS + 1) + END, [("", "too-many-fields")]),
    ],
    ids=range(12),
)  # fmt: skip
@pytest.mark.parametrize("piece", [0, 20_000])
async def test_every_fault_of_a_multipart_form_is_named_and_the_service_gets_no_whole_form(
    tmp_path: Path, body: bytes, faults: list[tuple[str, str]], piece: int
) -> None:
    """It may have begun to get it, but never its end (H33)."""
    async with judged(tmp_path, echo) as line:
        answer = await send(line, body, piece, "Accept-Language: en")
        assert (answer.status, json.loads(answer.body)["code"]) == (400, "invalid-request")
        found = line.faults(answer)
        assert sorted(found) == sorted(("body", *fault) for fault in faults)
        assert not any(arrived.complete for arrived in line.upstream.arrived)
        assert line.stand.counters.said[-1] == "give back"
        assert b"E" * 20 not in answer.body, "no value is repeated"


async def test_a_file_is_not_gathered(tmp_path: Path) -> None:
    """Larger than what is gathered of a JSON body: it passes, and nothing of it is held."""

    async def looking(visit: Visit) -> None:
        await visit.request()
        held.append(line.server.collected.bytes)
        await visit.send(OK)

    held: list[int] = []
    async with judged(tmp_path, looking) as line:
        body = part("name", b"Ett") + picture(900_000) + END
        assert (await send(line, body, 50_000)).status == 200
        assert held == [0]
        assert line.upstream.arrived[0].body == body


async def test_a_boundary_that_is_none_is_refused_at_the_head(tmp_path: Path) -> None:
    async with judged(tmp_path, echo) as line:
        answer = await line.ask(PATH, GOOD, "Content-Type: multipart/form-data")
        assert line.faults(answer) == [("header", "Content-Type", "boundary")]
        assert line.upstream.arrived == []


@pytest.mark.parametrize(
    ("kind", "body", "counted"),
    [
        (PARTS, part("name", b"E") + END, {"body": 2}),
        (PARTS, b"no form", {"body": 1}),
        (FORM, b"name=E", {"body": 1}),
        (PARTS, GOOD, {}),
    ],
)
async def test_where_it_is_counted_only_it_goes_on(
    tmp_path: Path, kind: str, body: bytes, counted: dict[str, int]
) -> None:
    async with judged(tmp_path, echo, "{request: log}") as line:
        answer = await line.ask(PATH, body, kind)
        assert (answer.status, answer.body) == (200, body)
        assert line.counted() == counted


async def test_without_checks_nothing_is_looked_at(tmp_path: Path) -> None:
    async with judged(tmp_path, answering(OK), "{}") as line:
        assert (await line.ask(PATH, b"no form", PARTS)).status == 200
