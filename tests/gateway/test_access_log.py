"""Access records: one line each, nothing private, nothing lost in silence."""

from __future__ import annotations

import tempfile
from pathlib import Path

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.access_log import AccessLog, Record

PLAIN = Record(
    at=1.5, request_id="r", trace="t", method="GET", template="/a/v1/x", api="a/v1", operation="x", status=200,
    code="", outcome="served", organisation="o", app="p", environment="sandbox", peer="127.0.0.1",
    duration=0.01, bytes_in=0, bytes_out=5, upstream_status=200,
)  # fmt: skip


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_whatever_stands_in_a_field_it_stays_one_line(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        log = AccessLog(str(path))
        log.write(PLAIN._replace(peer=text, operation=text))
        log.close()
        lines = path.read_bytes().split(b"\n")
    assert lines[-1] == b""
    assert len(lines) == 2
    assert orjson.loads(lines[0])["peer"] == text


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
