"""CORS, header rules, cache, times and brown-outs in api.yaml: what is taken, and each fault with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog import lint
from gateway.catalog.answers import brownouts, names
from gateway.catalog.answers.brownouts import NoMoment, end_of_day, moment, written
from gateway.catalog.answers.publication import fault_of_origin
from gateway.catalog.answers.values import Answers, Brownout, Caching, Cors, HeaderRules, Shared
from gateway.catalog.errors import Severity
from gateway.catalog.load import load
from gateway.catalog.model import Timeouts
from gateway.edge import fields
from gateway.proxy import response
from tests.catalog import sample

LIFE = "status: deprecated\ndeprecated: 2026-06-01\nsunset: 2026-12-31\n"


def with_more(text: str) -> dict[str, str]:
    files = dict(sample.SOUND)
    files["api.yaml"] = (
        files["api.yaml"].replace("status: active\n", "" if "status:" in text else "status: active\n") + text
    )
    return files


def faults(tmp_path: Path, text: str) -> list[str]:
    folder = sample.write(tmp_path / "publication", with_more(text))
    found = [fault for fault in lint.lint(folder) if fault.severity is Severity.ERROR]
    assert all(fault.line > 0 for fault in found)
    return [f"{fault.pointer} {fault.message}" for fault in found]


def taken(tmp_path: Path, text: str) -> Answers:
    folder = sample.write(tmp_path / "publication", with_more(text))
    return load([folder], {}).apis["sample/v1"].answers


def test_what_is_said_is_what_is_taken(tmp_path: Path) -> None:
    text = """\
cors: { origins: [https://app.example, "http://localhost:3000"], headers: [X-Trace], expose: [X-Total], maxAge: 60 }
headers:
  request: { set: { X-Channel: "sluss" }, remove: [X-Internal] }
  response: { set: { Cache-Control: "private" }, remove: [X-Debug] }
cache: { shared: organisation, operations: [listThings] }
brownouts:
  - { from: 2026-12-01T09:00, to: 2026-12-01T09:30 }
  - { from: 2026-12-08T09:00:00+01:00, to: 2026-12-08T09:00Z }
"""
    assert taken(tmp_path, LIFE + text) == Answers(
        cors=Cors(("https://app.example", "http://localhost:3000"), ("X-Trace",), ("X-Total",), 60),
        headers=HeaderRules(
            (("X-Channel", "sluss"),), ("X-Internal",), (("Cache-Control", "private"),), ("X-Debug",)
        ),
        cache=Caching(Shared.ORGANISATION, frozenset({"listThings"})),
        brownouts=(Brownout(1796112000, 1796113800), Brownout(1796716800, 1796720400)),
    )


def test_nothing_said_is_nothing_done(tmp_path: Path) -> None:
    assert taken(tmp_path, "") == Answers()


def test_times_of_an_operation_take_the_rest_from_the_api(tmp_path: Path) -> None:
    text = "timeouts: { firstByte: 5, operations: { listThings: { total: 9 } } }\n"
    api = load([sample.write(tmp_path / "publication", with_more(text))], {}).apis["sample/v1"]
    times = {operation.id: operation.timeouts for operation in api.operations}
    assert times == {"listThings": Timeouts(2.0, 5.0, 30.0, 9.0), "getThing": None}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cors: { origins: [] }\n", "/cors/origins"),
        ("cors: { maxAge: 3 }\n", "origins"),
        ("cors: { origins: ['*', https://a.example] }\n", "every origin"),
        ("cors: { origins: ['null'] }\n", "/cors/origins/0 'null'"),
        ("cors: { origins: [https://*.example] }\n", "no wildcard"),
        ("cors: { origins: [https://a.example/] }\n", "no path"),
        ("cors: { origins: [https://A.example] }\n", "lower case"),
        ("cors: { origins: [http://a.example] }\n", "https is needed"),
        ("cors: { origins: ['https://a.example:443'] }\n", "leaves the port 443 out"),
        ("cors: { origins: [https://a.example], headers: ['*'] }\n", "name each header"),
        ("cors: { origins: [https://a.example], headers: [Sluss-App] }\n", "takes it away"),
        ("cors: { origins: [https://a.example], headers: [X-A, x-a] }\n", "named twice"),
        ("cors: { origins: [https://a.example], expose: [Set-Cookie] }\n", "no page can read it"),
        ("cors: { origins: [https://a.example], credentials: true }\n", "/cors"),
        ("headers: { request: { set: { Connection: close } } }\n", "carries the message"),
        ("headers: { response: { set: { Content-Length: '3' } } }\n", "carries the message"),
        ("headers: { request: { set: { Sluss-Organisation: x } } }\n", "who calls"),
        ("headers: { request: { remove: [X-Forwarded-Prefix] } }\n", "who calls"),
        ("headers: { response: { set: { Access-Control-Allow-Origin: '*' } } }\n", "is the gateway's"),
        ("headers: { response: { remove: [X-Content-Type-Options] } }\n", "security"),
        ("headers: { response: { remove: [Vary] } }\n", "rely on"),
        ("headers: { response: { set: { X-A: \"a\\r\\nSet-Cookie: b\" } } }\n", "no line break"),
        ("headers: { response: { set: { X-A: \" a\" } } }\n", "no blank at either end"),
        ("headers: { response: { set: { X-A: å } } }\n", "printable ASCII"),
        ("headers: { response: { set: { 'X A': b } } }\n", "no header name"),
        ("headers: { request: { set: { X_A: b } } }\n", "no header name"),
        ("headers: { response: { set: { X-A: b }, remove: [x-a] } }\n", "stands twice"),
        ("headers: { response: { set: { X-A: 5 } } }\n", "/headers/response/set/X-A"),
        ("cache: {}\n", "shared"),
        ("cache: { shared: world }\n", "/cache/shared"),
        ("cache: { shared: everyone, operations: [nothing] }\n", "no operation 'nothing'"),
        ("access: { passAuthorization: true }\ncache: { shared: organisation }\n", "may answer by it"),
        ("timeouts: { total: 5, firstByte: 6 }\n", "never reached"),
        ("timeouts: { operations: { listThings: { firstByte: 9, total: 8 } } }\n", "never reached"),
        ("timeouts: { operations: { nothing: { total: 8 } } }\n", "no operation 'nothing'"),
        ("brownouts: [{ from: 2026-12-01T09:00, to: 2026-12-01T10:00 }]\n", "only a deprecated version"),
        (LIFE + "brownouts: [{ from: 2026-12-01T09:00, to: 2026-12-01T09:00 }]\n", "before the beginning"),
        (LIFE + "brownouts: [{ from: 2026-12-01T09:00, to: 2026-12-02T09:01 }]\n", "longer than a day"),
        (LIFE + "brownouts: [{ from: 2026-12-31T20:00, to: 2027-01-01T00:01 }]\n", "after the sunset"),
        (LIFE + "brownouts: [{ from: 2026-13-01T09:00, to: 2026-12-01T10:00 }]\n", "there is no time"),
        (LIFE + "brownouts: [{ from: 2026-03-29T02:30, to: 2026-03-29T04:00 }]\n", "does not exist"),
        (LIFE + "brownouts: [{ from: 2026-10-25T02:30, to: 2026-10-25T04:00 }]\n", "comes twice"),
        (
            LIFE + "brownouts:\n  - { from: 2026-12-02T09:00, to: 2026-12-02T10:00 }\n"
            "  - { from: 2026-12-01T09:00, to: 2026-12-01T10:00 }\n",
            "stand in order",
        ),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_where_it_stands(tmp_path: Path, text: str, told: str) -> None:
    found = faults(tmp_path, text)
    assert found
    assert any(told in fault for fault in found), found


def test_a_cached_operation_is_a_get(tmp_path: Path) -> None:
    files = with_more("cache: { shared: everyone, operations: [listThings] }\n")
    files["openapi.yaml"] = files["openapi.yaml"].replace("  /things:\n    get:\n", "  /things:\n    post:\n")
    folder = sample.write(tmp_path / "publication", files)
    assert any("only a GET is kept" in fault.message for fault in lint.lint(folder))


def test_an_end_at_the_sunset_s_midnight_is_in_time(tmp_path: Path) -> None:
    assert faults(tmp_path, LIFE + "brownouts: [{ from: 2026-12-31T20:00, to: 2027-01-01T00:00 }]\n") == []


def test_summer_time() -> None:
    """The hour that is left out and the one that comes twice; each side of both; and what an offset settles."""
    assert moment("2026-03-29T03:00") - moment("2026-03-29T01:59:59") == 1
    assert moment("2026-10-25T03:00") - moment("2026-10-25T01:59:59") == 3601 + 3600
    for text in ("2026-03-29T02:00", "2026-03-29T02:59:59", "2026-10-25T02:00", "2026-10-25T02:59:59"):
        with pytest.raises(NoMoment):
            moment(text)
    assert moment("2026-10-25T02:30+01:00") - moment("2026-10-25T02:30+02:00") == 3600
    assert written(moment("2026-07-01T09:00")) == "2026-07-01T09:00:00+02:00"
    assert end_of_day("2026-10-25") - end_of_day("2026-10-24") == 25 * 3600


@given(st.datetimes())
def test_a_moment_is_read_as_it_is_written(at: object) -> None:
    try:
        found = moment(str(at).replace(" ", "T")[:19])
        assert moment(written(found)) == found
    except (NoMoment, OverflowError, ValueError):
        pass


def test_every_name_the_edge_takes_away_is_refused_in_a_rule() -> None:
    """The catalogue cannot import the edge; this holds the one list to the other."""
    special = {name for name, code in fields.RULES.items() if code not in (fields.ACCEPT, fields.LANGUAGE)}
    prefixed = {prefix + b"x" for prefix in (*fields.DROPPED_PREFIXES, *response.DROPPED_PREFIXES)}
    for name in special | prefixed | set(response.RULES):
        assert names.fault_of_rule(name.decode().title()), name


@pytest.mark.parametrize(
    "name", ["Cache-Control", "Content-Type", "X-Anything", "Content-Security-Policy", "Accept"]
)
def test_an_ordinary_name_may_be_set(name: str) -> None:
    assert names.fault_of_rule(name) is None


@given(st.text(max_size=40))
def test_no_value_that_is_taken_breaks_a_line(text: str) -> None:
    if names.fault_of_value(text) is None:
        assert text.isascii()
        assert text == text.strip()
        assert not set(text) & {"\r", "\n", "\x00"}


@pytest.mark.parametrize(
    "origin",
    [
        "https://a.example",
        "https://a.example:8443",
        "http://localhost",
        "http://[::1]:9",
        "https://xn--vrd-ula.se",
    ],
)
def test_an_origin_as_a_browser_writes_it_is_taken(origin: str) -> None:
    assert fault_of_origin(origin) is None


def test_the_longest_brownout_is_a_day() -> None:
    assert brownouts.LONGEST_SECONDS == 86400
