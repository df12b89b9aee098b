"""The page of the edge's rules says what the edge does: figures, paths, headers and codes."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from auth.authenticate import LEEWAY
from gateway.cache import equals
from gateway.catalog import timeouts
from gateway.catalog.model import Balancing
from gateway.catalog.publication import _DEFAULT_BODY
from gateway.edge import errors as edge_errors
from gateway.edge import fields as request_fields
from gateway.edge.errors import EdgeFault
from gateway.edge.limits import EdgeLimits
from gateway.edge.peer import TrustedProxies
from gateway.edge.reader import RequestReader
from gateway.errors import catalogue, status_of
from gateway.proxy import response
from gateway.proxy.budget import RetryLimits
from gateway.proxy.dialling.names import PERIOD_SECONDS
from gateway.proxy.outlier import OutlierLimits
from gateway.proxy.pool import PoolLimits
from gateway.proxy.upstreams import CONTROL_TERMS
from gateway.tunnels.limits import TunnelLimits
from tests.portal.documents import LANGUAGES, code, page, plain_figures, seconds, section, size, table

LIMITS = EdgeLimits()
TUNNELS = TunnelLimits()
POOL = PoolLimits()

# Field of EdgeLimits → where its figure stands and how it is written.
EDGE_FIGURES = {
    "request_line": ("sizes", size(LIMITS.request_line)),
    "field_line": ("sizes", size(LIMITS.field_line)),
    "head": ("sizes", size(LIMITS.head)),
    "fields": ("sizes", str(LIMITS.fields)),
    "chunk_extensions": ("sizes", size(LIMITS.chunk_extensions)),
    "trailers": ("sizes", size(LIMITS.trailers)),
    "discard_bytes": ("sizes", size(LIMITS.discard_bytes)),
    "held": ("sizes", size(LIMITS.held)),
    "buffer": ("sizes", size(LIMITS.buffer)),
    "collected": ("sizes", size(LIMITS.collected)),
    "connections": ("sizes", str(LIMITS.connections)),
    "head_seconds": ("times", seconds(LIMITS.head_seconds)),
    "body_grace_seconds": ("times", seconds(LIMITS.body_grace_seconds)),
    "body_rate": ("times", f"{size(LIMITS.body_rate)}/s"),
    "idle_seconds": ("times", seconds(LIMITS.idle_seconds)),
    "stall_seconds": ("times", seconds(LIMITS.stall_seconds)),
    "linger_seconds": ("times", seconds(LIMITS.linger_seconds)),
    "linger_bytes": ("times", size(LIMITS.linger_bytes)),
    "handshake_seconds": ("times", seconds(LIMITS.handshake_seconds)),
    "proxy_header": ("sizes", f"{LIMITS.proxy_header} byte"),
    "drain_begun_seconds": ("times", seconds(LIMITS.drain_begun_seconds)),
    "drain_idle_seconds": ("times", seconds(LIMITS.drain_idle_seconds)),
    "tick_seconds": ("times", seconds(LIMITS.tick_seconds)),
}
# Line of the table → field. The order is the page's own.
ROWS = {
    "sizes": (
        "request_line", "field_line", "head", "fields", "chunk_extensions", "trailers", "proxy_header", "", "",
        "discard_bytes", "held", "buffer", "collected", "connections",
    ),
    "times": (
        "head_seconds", "body_grace_seconds", "body_rate", "handshake_seconds", "idle_seconds", "stall_seconds",
        "linger_seconds linger_bytes", "drain_begun_seconds", "drain_idle_seconds", "tick_seconds",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("anchor", ROWS)
def test_every_bound_of_the_edge_stands_in_its_row(language: str, anchor: str) -> None:
    rows = table(page(language, "operate/edge.md"), anchor)
    assert len(rows) == len(ROWS[anchor])
    for row, names in zip(rows, ROWS[anchor], strict=True):
        for name in names.split():
            wanted = EDGE_FIGURES[name][1]
            assert wanted in re.split(r", [a-zåäö ]*", plain_figures(row[1]).replace("bytes", "byte")), (
                name,
                row,
            )


def test_no_bound_is_left_out() -> None:
    assert set(EDGE_FIGURES) == {field.name for field in fields(EdgeLimits)}
    assert {name for names in ROWS.values() for row in names for name in row.split()} == set(EDGE_FIGURES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_bodies_of_apis_and_console(language: str) -> None:
    rows = table(page(language, "operate/edge.md"), "sizes")
    assert rows[7][1].startswith(size(_DEFAULT_BODY))
    assert rows[8][1] == size(CONTROL_TERMS.body_limit)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_bounds_towards_a_service(language: str) -> None:
    times = timeouts.read({})
    reader = response.AnswerReader()
    assert times.total == 0
    wanted = [
        seconds(times.connect), seconds(times.first_byte), seconds(times.idle), "",
        seconds(POOL.connect_seconds), str(POOL.connections), str(POOL.waiting), str(POOL.long_lived),
        seconds(POOL.long_seconds), str(POOL.idle),
        seconds(POOL.idle_seconds), str(POOL.failures), seconds(POOL.rest_seconds),
        seconds(POOL.distrust_seconds), size(POOL.buffer),
        f"{size(reader.head_limit)}, {reader._field_limit - 1} ",
    ]  # fmt: skip
    rows = table(page(language, "operate/edge.md"), "upstream")
    assert len(rows) == len(wanted)
    assert len(fields(PoolLimits)) == 11
    for row, figure in zip(rows, wanted, strict=True):
        assert plain_figures(row[1]).startswith(figure), row


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figures_of_several_services(language: str) -> None:
    balancing, retry, outlier = Balancing(), RetryLimits(), OutlierLimits()
    wanted = [
        str(balancing.attempts), f"{retry.share:g}", f"{retry.per_second:g}", f"{retry.most:g}",
        seconds(outlier.review_seconds), str(outlier.calls), f"{outlier.share:g}", seconds(outlier.seconds),
        seconds(outlier.longest), f"{outlier.part:g}", seconds(balancing.slow_start),
    ]  # fmt: skip
    rows = table(page(language, "operate/edge.md"), "balancing")
    assert [plain_figures(row[1]) for row in rows] == wanted
    assert len(wanted) == len(fields(Balancing)) + len(fields(RetryLimits)) + len(fields(OutlierLimits))
    assert f"{PERIOD_SECONDS:g}" in section(page(language, "operate/edge.md"), "balancing")


def judged(request: bytes) -> str:
    """What the edge makes of one request: a code, or nothing when it goes on."""
    try:
        RequestReader(LIMITS, TrustedProxies()).read(request, "192.0.2.1", False)
    except EdgeFault as fault:
        return fault.code
    return ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_example_of_a_path_gets_the_answer_the_page_says(language: str) -> None:
    rows = table(page(language, "operate/edge.md"), "paths")
    assert len(rows) >= 20
    for _, example, answer in rows:
        (target,) = code(example)
        found = judged(b"GET %b HTTP/1.1\r\nHost: localhost" % target.encode())
        assert code(answer)[1:] == ([found] if found else []), (target, found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_methods_and_versions(language: str) -> None:
    allowed, refused, _, versions, *_ = table(page(language, "operate/edge.md"), "request-line")
    for verb in (*code(allowed[0]), "BREW"):
        expected = "unknown-method" if verb == "BREW" else ""
        assert judged(b"%b /a HTTP/1.1\r\nHost: localhost" % verb.encode()) == expected
    for verb in code(refused[0]):
        assert judged(b"%b /a HTTP/1.1\r\nHost: localhost" % verb.encode()) == "refused-method"
    for version in code(versions[0]):
        assert judged(b"GET /a %b\r\nHost: localhost" % version.encode()) == ""
    assert judged(b"GET /a HTTP/2.0\r\nHost: localhost") == "unknown-http-version"


def _names(language: str, anchor: str) -> set[str]:
    return {name.lower() for row in table(page(language, "operate/edge.md"), anchor) for name in code(row[0])}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_header_with_a_rule_is_named(language: str) -> None:
    named = _names(language, "headers")
    covered = {
        name.decode()
        for name in request_fields.RULES
        if not name.startswith((b"x-forwarded-", b"proxy-")) and name.decode() not in named
    }
    assert covered == set()
    assert {prefix.decode() + "*" for prefix in request_fields.DROPPED_PREFIXES} <= named
    answers = _names(language, "from-upstream")
    assert {name.decode() for name in response.RULES} - answers == set()
    assert {prefix.decode() + "*" for prefix in response.DROPPED_PREFIXES} <= answers


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_header_that_is_said_to_go_is_gone_and_a_twin_is_refused(language: str) -> None:
    names = {name for name in _names(language, "headers") if re.fullmatch(r"[a-z0-9-]+", name)}
    dropped = [name for name, rule in request_fields.RULES.items() if rule == request_fields.DROP]
    assert {name.decode() for name in dropped} <= names
    table_ = request_fields.request_names()
    for name in dropped:
        assert table_.classify(name.upper()) == request_fields.DROP
        twin = name.replace(b"-", b"_")
        if twin != name and name != b"sluss":
            assert judged(b"GET / HTTP/1.1\r\nHost: localhost\r\n%b: x" % twin) == "malformed-header"
    assert table_.classify(b"Sluss_App") == request_fields.DROP
    assert table_.classify(b"Some_Name") == request_fields.DROP
    assert table_.classify(b"Some-Name") == request_fields.PASS


def _edge_codes() -> dict[str, int]:
    found: dict[str, int] = {}
    stack: list[type[EdgeFault]] = [edge_errors.EdgeFault]
    while stack:
        cls = stack.pop()
        stack.extend(cls.__subclasses__())
        if cls.code != "edge-fault" and (status := status_of(cls)) != 500:
            found[cls.code] = status
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_of_codes_is_the_table_of_errors(language: str) -> None:
    listed = {
        each: int(code(row[0])[0])
        for row in table(page(language, "operate/edge.md"), "codes")
        for each in code(row[1])
    }
    assert listed == _edge_codes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_stands_with_its_status_everywhere_on_the_page(language: str) -> None:
    codes = _edge_codes()
    pairs = re.findall(r"`(\d{3})` `([a-z-]+)`", page(language, "operate/edge.md"))
    assert len(pairs) > 40
    assert {(status, each) for status, each in pairs if codes.get(each) != int(status)} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_bound_of_tunnels_stands_in_its_row(language: str) -> None:
    wanted = {
        "per_subscription": str(TUNNELS.per_subscription),
        "fragments": str(TUNNELS.fragments),
        "controls": str(TUNNELS.controls),
        "controls_seconds": seconds(TUNNELS.controls_seconds),
        "close_seconds": seconds(TUNNELS.close_seconds),
        "turn": str(TUNNELS.turn),
        "review_seconds": seconds(TUNNELS.review_seconds),
    }
    assert list(wanted) == [field.name for field in fields(TunnelLimits)]
    rows = table(page(language, "operate/edge.md"), "ws-limits")
    for row, figure in zip(rows, wanted.values(), strict=False):
        assert plain_figures(row[1]) == figure, row


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_grace_of_a_token_under_way_is_that_of_new_calls(language: str) -> None:
    assert f" {LEEWAY} se" in section(page(language, "operate/edge.md"), "streams")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_of_a_close_frame_is_explained_to_developers(language: str) -> None:
    """In the guide as on the edge's page, with the same close codes; each has a page of its own."""
    guide = {
        (closing, reason)
        for row in table(page(language, "guides/streams.md"), "closed")
        for closing in code(row[0])
        for reason in code(row[1])
        if reason != "retry-after="
    }
    edge = {
        (found[0], reason)
        for row in [
            *table(page(language, "operate/edge.md"), "ws-end"),
            *table(page(language, "operate/edge.md"), "ws-limits"),
        ]
        for cell in row[1:]
        if (found := code(cell)) and len(found[0]) == 4
        for reason in found[1:]
    }
    assert edge <= guide
    assert {reason for _, reason in guide} <= {name for name, _, _ in catalogue()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_how_long_equal_calls_wait_for_each_other(language: str) -> None:
    text = plain_figures(section(page(language, "guides/answers.md"), "equal"))
    for figure in (equals.WAIT_SECONDS, equals.ALONE_SECONDS, equals.MOST_WAITING):
        assert re.search(rf"\b{figure:g}\b", text), figure
