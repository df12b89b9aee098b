"""Access records: one line each, nothing private, nothing lost in silence."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.access_log import FIELDS, AccessLog, Place, Record, Who
from gateway.trace import Trace

PLAIN = Record(
    at=1.5, trace=Trace(b"ab" * 12, b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01"), method="GET",
    place=Place("/a/v1/x", "a/v1", "x"), status=200, code="", outcome="served", who=Who("o", "p", "sandbox"),
    peer="127.0.0.1", duration=0.01, bytes_in=0, bytes_out=5, upstream_status=200,
)  # fmt: skip
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]))


def test_a_line_holds_every_field_in_its_order() -> None:
    assert orjson.loads(PLAIN.line()) == {
        "at": 1.5, "request_id": "ab" * 12, "trace": f"00-{'1' * 32}-{'2' * 16}-01", "method": "GET",
        "template": "/a/v1/x", "api": "a/v1", "operation": "x", "status": 200, "code": "", "outcome": "served",
        "organisation": "o", "app": "p", "environment": "sandbox", "peer": "127.0.0.1", "duration": 0.01,
        "bytes_in": 0, "bytes_out": 5, "upstream_status": 200,
    }  # fmt: skip
    assert tuple(orjson.loads(PLAIN.line())) == FIELDS


@given(TEXT)
def test_whatever_stands_in_a_field_it_stays_one_line(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        log = AccessLog(str(path))
        place, who = Place(text, text, text), Who(text, text, text)
        log.write(replace(PLAIN, peer=text, method=text, code=text, place=place, who=who))
        log.close()
        lines = path.read_bytes().split(b"\n")
    assert lines[-1] == b""
    assert len(lines) == 2
    read = orjson.loads(lines[0])
    for name in (
        "peer",
        "method",
        "code",
        "template",
        "api",
        "operation",
        "organisation",
        "app",
        "environment",
    ):
        assert read[name] == text


def test_lines_wait_until_they_are_flushed(tmp_path: Path) -> None:
    log = AccessLog(str(tmp_path / "log"))
    log.write(PLAIN)
    assert (tmp_path / "log").read_bytes() == b""
    log.flush()
    assert (tmp_path / "log").read_bytes().count(b"\n") == 1
    log.close()


def test_a_full_disk_is_counted_not_raised() -> None:
    log = AccessLog("/dev/full")
    for _ in range(3):
        log.write(PLAIN)
    log.close()
    assert log.lost == 3


def test_no_target_no_work() -> None:
    log = AccessLog("")
    log.write(PLAIN)
    log.close()
    assert log.lost == 0
