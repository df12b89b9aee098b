"""RFC 9470: an API that demands how its person has signed in; the edge says what to ask for."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.catalog.model import Access
from tests.gateway.line_of_one import Stand, reference, rows, standing

LOA = "http://id.elegnamnden.se/loa/1.0/loa"


def demanding(stand: Stand, **access: int) -> None:
    catalog = reference()
    api = replace(catalog.apis["eko/v1"], access=replace(Access(), **access))  # type: ignore[arg-type]
    stand.use(rows(stand.mint), replace(catalog, apis={**catalog.apis, "eko/v1": api}))


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with standing(tmp_path) as made:
        yield made


def person(stand: Stand, level: int, seconds_ago: int) -> str:
    signed_in = int(time.time()) - seconds_ago
    return stand.token(sub="per_1", grant_id="gra_1", acr=f"{LOA}{level}", auth_time=signed_in)


async def test_section_3_what_to_ask_for_is_told(stand: Stand) -> None:
    demanding(stand, assurance=3, max_age=3600)
    for shown in (person(stand, 2, 0), person(stand, 3, 3700), stand.token()):
        answer = stand.call(stand.request("/eko/v1/echo", token=shown))
        assert answer.status == 401
        assert json.loads(answer.body)["code"] == "insufficient-user-authentication"
        assert answer.fields["www-authenticate"] == (
            'Bearer realm="sluss", error="insufficient_user_authentication", '
            f'acr_values="{LOA}3", max_age="3600"'
        )
        assert stand.counters.said == [], "and nothing is counted"
    answer = stand.call(stand.request("/eko/v1/echo", token=person(stand, 4, 3500)))
    assert b"Sluss-Subject: per_1\r\n" in answer.order.injected


async def test_section_3_only_what_is_demanded_is_told(stand: Stand) -> None:
    demanding(stand, assurance=2)
    answer = stand.call(stand.request("/eko/v1/echo", token=person(stand, 1, 0)))
    assert "max_age" not in answer.fields["www-authenticate"]
    demanding(stand, max_age=60)
    answer = stand.call(stand.request("/eko/v1/echo", token=person(stand, 1, 70)))
    assert "acr_values" not in answer.fields["www-authenticate"]


async def test_without_a_demand_a_program_may_call(stand: Stand) -> None:
    demanding(stand)
    stand.call(stand.request("/eko/v1/echo"))
    assert stand.counters.said == ["take 1", "sent", "keep"]
