"""Small pure parts: organisation numbers, periods, origins, local paths, charts, CSV cells, languages."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.requests import Request

from console import arrival
from console.origin import same_origin
from console.pages import chart, csv_export
from console.pages.csrf import equal, new_seed, token_of, usable_seed
from console.pages.local_path import local
from console.services import periods
from console.services.organisation_number import normalise
from console.services.usage import Figure


@pytest.mark.parametrize("text", ["556677-8899", "5566778899", " 212000-0142 ", "2021005489"])
def test_organisation_numbers(text: str) -> None:
    assert normalise(text) == text.strip().replace("-", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5566778898",  # check digit
        "19900101-2385",  # twelve digits
        "900101-2385",  # a person: the third digit is a month's
        "811218-9876",
        "55-66778899",
        "556677--8899",
        "556677 8899",
        "٥٥٦٦٧٧٨٨٩٩",
        "5566778899\n5566778899",
        "556677889a",
    ],
)
def test_what_is_no_organisation_number(text: str) -> None:
    assert normalise(text) is None


@given(st.text(max_size=14))
def test_whatever_is_taken_is_ten_ascii_digits_of_no_person(text: str) -> None:
    found = normalise(text)
    if found is not None:
        assert found.isascii()
        assert found.isdigit()
        assert len(found) == 10
        assert found[2] >= "2"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@pytest.mark.parametrize(
    ("first", "last", "hours"),
    [("2026-03-29", "2026-03-29", 23), ("2026-10-25", "2026-10-25", 25), ("2026-01-01", "2026-01-31", 744)],
)
def test_days_follow_the_clock_in_sweden(first: str, last: str, hours: int) -> None:
    found = periods.read(first, last, 0)
    assert found is not None
    assert found.end - found.start == hours * 3600


def test_the_month_turns_in_sweden_not_in_utc() -> None:
    late = at("2026-01-31T23:30:00+00:00")
    assert periods.this_month(late).start == at("2026-02-01T00:00:00+01:00")
    assert periods.local_day(late) == date(2026, 2, 1)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-02-30", None),
        ("2026-02-02", "2026-02-01"),
        ("2020-01-01", "2026-01-01"),
        ("0001-01-01", "0001-01-02"),
        ("9999-12-31", "9999-12-31"),
        ("x", "y"),
    ],
)
def test_periods_that_make_no_sense(first: str, last: str | None) -> None:
    assert periods.read(first, last, at("2026-02-15T00:00:00+00:00")) is None


ISSUER = "https://api.region.example"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": ISSUER}, True),
        ({"origin": f"{ISSUER}:443"}, True),
        ({"origin": "null"}, False),
        ({"origin": "http://api.region.example"}, False),
        ({"origin": "https://api.region.example.evil.example"}, False),
        ({"origin": "https://api.region.example:8443"}, False),
        ({"origin": "https://api.region.example@evil.example"}, False),
        ({"origin": "https://[api"}, False),
        ({"origin": "https://evil.example", "sec-fetch-site": "same-origin"}, False),
        ({"origin": ISSUER, "sec-fetch-site": "cross-site"}, False),
    ],
)
def test_origins(headers: dict[str, str], expected: bool) -> None:
    assert same_origin(Headers(headers), ISSUER) is expected


@pytest.mark.parametrize("origin", ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"])
def test_a_loopback_issuer_has_three_spellings(origin: str) -> None:
    assert same_origin(Headers({"origin": origin}), "http://localhost:8080")
    assert not same_origin(Headers({"origin": origin}), ISSUER)
    assert not same_origin(Headers({"origin": origin[:-1] + "1"}), "http://localhost:8080")


@pytest.mark.parametrize(
    "path",
    [
        "/console/",
        "/console",
        "/console/subscribe?api=behov%2Fv1&plan=prova",
        "/portal/en/apis/behov/v1/",
    ],
)
def test_local_paths(path: str) -> None:
    assert local(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/console/../../evil",
        "/console//evil.example\\",
        "/console\\@evil.example",
        "/consolé/",
        "/console/\r\nSet-Cookie: a=b",
        "/console/\tx",
        "/oauth2/token",
        "/management/v1/people",
        "//console/",
        " /console/",
        "/console.evil.example",
        "/console@evil.example",
        "/console/" + "a" * 7000,
        "/oauth2/authorize/x?a=1",
        "/oauth2/authorize@evil.example",
        "/oauth2/authorizeX",
    ],
)
def test_paths_that_lead_elsewhere_lead_home(path: str | None) -> None:
    assert local(path) == "/console/"


@given(st.text(max_size=40))
def test_no_text_leads_to_another_host(text: str) -> None:
    assert local(text).startswith(("/console", "/portal", "/oauth2/authorize", "/oauth2/logout"))
    assert "\\" not in local(text)
    assert not local(text).startswith("//")


def test_form_tokens_do_not_give_the_cookie_away() -> None:
    seed = new_seed()
    assert usable_seed(seed)
    assert seed not in token_of(seed)
    assert not usable_seed("short")
    assert not equal(token_of(seed), "")
    assert not equal(token_of(seed), "å\ud800")
    assert equal(token_of(seed), token_of(seed))


def figure(day: str, outcome: str, calls: int) -> Figure:
    return Figure(
        units=calls, calls=calls, organisation_id="org_1", outcome=outcome, at=at(f"{day}T00:00:00+01:00")
    )


def test_a_chart_has_every_day_and_its_tallest_fills_it() -> None:
    period = periods.days(date(2026, 1, 1), date(2026, 1, 10))
    figures = [
        figure("2026-01-02", "served", 90),
        figure("2026-01-02", "refused_rate", 10),
        figure("2026-01-05", "upstream_failed", 1),
    ]
    days = chart.days_of(figures, period)
    assert len(days) == 10
    drawn = chart.bars(days)
    assert drawn[1].served_height + drawn[1].other_height == chart.HEIGHT
    assert drawn[4].other_height >= 1
    assert drawn[0].served_height == drawn[0].other_height == 0
    assert all(0 <= bar.other_y <= bar.served_y <= chart.HEIGHT for bar in drawn)
    assert chart.bars(chart.days_of([], period)) == []


@pytest.mark.parametrize(
    ("used", "limit", "per_cent", "state"),
    [
        (0, 500, 0, "calm"),
        (399, 500, 79, "calm"),
        (400, 500, 80, "near"),
        (500, 500, 100, "full"),
        (9, 0, 100, "full"),
    ],
)
def test_gauges(used: int, limit: int, per_cent: int, state: str) -> None:
    gauge = chart.Gauge(used, limit)
    assert (gauge.per_cent, gauge.state) == (per_cent, state)


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", " =HYPERLINK(1)", '=cmd|"/c calc"!A1']
)
def test_no_cell_is_a_formula(name: str) -> None:
    row = Figure(units=1, calls=1, organisation_id="org_1", app_id="app_1", api="behov/v1")
    written = csv_export.write([row], {"app_1": name})
    cells = list(csv.reader(io.StringIO(written, newline="")))[1]
    assert cells[2] == f"'{name}"
    assert cells[6:] == ["1", "1"]


def request(headers: dict[str, str], query: str = "") -> Request:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request(
        {"type": "http", "headers": raw, "query_string": query.encode(), "client": ("127.0.0.1", 1)}
    )


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({}, "", "sv"),
        ({"accept-language": "en"}, "", "en"),
        ({"accept-language": "de, en;q=0.5, sv;q=0.4"}, "", "en"),
        ({"accept-language": "en;q=0.5, sv"}, "", "sv"),
        ({"accept-language": "en-GB,en;q=0.9"}, "", "en"),
        ({"accept-language": "en;q=NaN, ;;;,"}, "", "sv"),
        ({"accept-language": "en", "cookie": "sluss_lang=sv"}, "", "sv"),
        ({"cookie": "sluss_lang=sv"}, "lang=en", "en"),
        ({"cookie": "sluss_lang=de"}, "lang=fr", "sv"),
    ],
)
def test_languages(headers: dict[str, str], query: str, expected: str) -> None:
    assert arrival.read(request(headers, query)).language == expected


def test_what_the_edge_says_is_held_to_its_form() -> None:
    good = arrival.read(
        request({"request-id": "abc-123", "forwarded": 'for="[2001:db8::1]:4711";proto=https'})
    )
    assert (good.request_id, good.ip) == ("abc-123", "2001:db8::1")
    bad = arrival.read(request({"request-id": 'x" onload=', "forwarded": "for=<script>"}))
    assert len(bad.request_id) == 32
    assert bad.ip == "127.0.0.1"
