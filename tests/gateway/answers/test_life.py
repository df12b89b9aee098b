"""The life of a version on the wire: what is announced, planned brown-outs, and the end."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from gateway.answers.shaping import Shaping
from gateway.catalog.answers.values import Answers, Brownout
from gateway.catalog.model import Family, Status
from gateway.headers import life_fields
from tests.auth.mint import ISSUER
from tests.gateway.line_of_one import reference
from tests.gateway.served import KEY, Served

OLD: dict[str, Any] = {"status": Status.DEPRECATED, "deprecated": "2026-06-01", "sunset": "2027-01-31"}
_LINK = re.compile(r'<([^>]*)>((?:; [a-z]+="[^"]*")+)(?:, |$)')


def links(value: str) -> dict[str, str]:
    """Relation to target (RFC 8288, 3), read strictly; nothing may be left over."""
    found, end = {}, 0
    for match in _LINK.finditer(value):
        assert match.start() == end
        end = match.end()
        relation = re.search(r'rel="([^"]*)"', match[2])
        assert relation
        found[relation[1]] = match[1]
    assert end == len(value)
    return found


async def test_a_deprecated_version_says_when_and_what_comes_after(line: Served) -> None:
    """RFC 9745: a structured date; RFC 8594: an HTTP date, never before it; RFC 8288 and 5829: the links."""
    api = line.publish(**OLD)
    catalog = line.catalog
    following = replace(api, major=2, status=Status.ACTIVE, deprecated=None, sunset=None)
    line.use(replace(catalog, apis={**catalog.apis, "eko/v2": following}))
    answer = await line.ask("/eko/v1/echo")
    (deprecation,), (sunset,) = answer.values("deprecation"), answer.values("sunset")
    assert re.fullmatch(r"@-?[0-9]{1,15}", deprecation)
    begins = datetime.fromtimestamp(int(deprecation[1:]), UTC)
    ends = parsedate_to_datetime(sunset)
    assert begins == datetime(2026, 6, 1, tzinfo=UTC)
    # the last second of the last day, Swedish time
    assert (sunset, ends > begins) == ("Sun, 31 Jan 2027 22:59:59 GMT", True)
    page = f"{ISSUER}/portal/apis/{KEY}/"
    assert links(answer.field("link") or "") == {
        "deprecation": page, "sunset": page, "successor-version": f"{ISSUER}/eko/v2/api-info",
    }  # fmt: skip


def test_a_coming_deprecation_is_told_and_a_day_in_summer_is_two_hours_off() -> None:
    api = replace(reference().apis[KEY], deprecated="2031-06-01", sunset="2031-07-31")
    told = dict(life_fields(api, None, ISSUER))
    assert told[b"Deprecation"] == b"@1938038400"
    assert told[b"Sunset"] == b"Thu, 31 Jul 2031 21:59:59 GMT"


async def test_a_retired_version_is_gone_and_names_the_next(line: Served) -> None:
    api = line.publish(**{**OLD, "status": Status.RETIRED})
    catalog = line.catalog
    following = replace(api, major=2, status=Status.ACTIVE, deprecated=None, sunset=None)
    line.use(replace(catalog, apis={**catalog.apis, "eko/v2": following}))
    answer = await line.ask("/eko/v1/echo")
    problem = orjson.loads(answer.body)
    assert (answer.status, problem["code"]) == (410, "api-retired")
    assert problem["successor"] == f"{ISSUER}/eko/v2/api-info"
    assert links(answer.field("link") or "")["successor-version"] == problem["successor"]
    assert answer.field("deprecation") is None
    assert (await line.ask("/eko/v2/api-info", token=None)).status == 200


async def test_a_retired_version_without_a_next_one_names_none(line: Served) -> None:
    line.publish(status=Status.RETIRED)
    answer = await line.ask("/eko/v1/echo")
    assert (answer.status, "successor" in orjson.loads(answer.body), answer.field("link")) == (
        410,
        False,
        None,
    )


async def test_api_info_announces_planned_brownouts(line: Served) -> None:
    line.publish(Answers(brownouts=(Brownout(1796112000, 1796113800),)), **OLD)
    info = orjson.loads((await line.ask("/eko/v1/api-info", token=None)).body)
    assert info["apiBrownouts"] == [{"from": "2026-12-01T09:00:00+01:00", "to": "2026-12-01T09:30:00+01:00"}]
    document = orjson.loads((await line.ask("/eko/v1/openapi.json", token=None)).body)
    answer = document["paths"]["/api-info"]["get"]["responses"]["200"]["content"]["application/json"]
    assert answer["schema"]["properties"]["apiBrownouts"]["type"] == "array"
    assert answer["example"] == info


def brownout(start: float, seconds: float) -> Answers:
    return Answers(brownouts=(Brownout(0, 1), Brownout(int(start), int(start + seconds))))


async def test_a_brownout_refuses_until_its_end_and_costs_nothing(line: Served) -> None:
    line.publish(brownout(time.time() - 60, 3600), **OLD)
    answer = await line.ask("/eko/v1/echo")
    assert (answer.status, orjson.loads(answer.body)["code"]) == (503, "api-brownout")
    assert 3400 < int(answer.field("retry-after") or 0) <= 3540
    assert answer.field("deprecation") == "@1780272000"
    assert "deprecation" in links(answer.field("link") or "")
    assert line.asked == 0
    assert line.stand.counters.said == []
    (record,) = await line.recorded()
    assert (record.code, record.outcome) == ("api-brownout", "")
    assert b"org_1" in record.who.json  # who still calls is known


async def test_a_brownout_tells_nobody_who_has_no_right(line: Served) -> None:
    line.publish(brownout(time.time() - 60, 3600), **OLD)
    assert (await line.ask("/eko/v1/echo", token=None)).status == 401


async def test_outside_its_brownouts_a_version_answers(line: Served) -> None:
    line.publish(brownout(time.time() + 600, 600), **OLD)
    assert (await line.ask("/eko/v1/echo")).status == 200


async def test_a_brownout_of_a_fhir_api_is_an_operation_outcome(line: Served) -> None:
    line.publish(brownout(time.time() - 60, 3600), family=Family.FHIR, **OLD)
    answer = await line.ask("/eko/v1/echo")
    assert orjson.loads(answer.body)["resourceType"] == "OperationOutcome"


def refusal_at(now: float) -> int:
    """Seconds until the end of the brown-out from 100 to 200; 0 when there is none."""
    try:
        Shaping(None, frozenset(), (Brownout(100, 200),)).refuse_brownout(now)
    except Exception as refusal:
        return int(getattr(refusal, "retry_after", -1))
    return 0


def test_a_brownout_begins_with_its_first_second_and_ends_with_its_last() -> None:
    assert [refusal_at(now) for now in (99.9, 100.0, 150.5, 199.9, 200.0)] == [0, 100, 50, 1, 0]
