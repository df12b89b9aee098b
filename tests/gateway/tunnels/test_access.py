"""What is under way is asked again with the line's own rules, in slices, and only calls to APIs are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from auth.authenticate import LEEWAY
from gateway.catalog.model import Status
from gateway.edge.exchange import Ending, Order
from gateway.edge.request import Request
from gateway.tunnels.access import Review
from gateway.tunnels.limits import TunnelLimits
from gateway.tunnels.registry import Tunnels
from quota.counters.protocol import Decided, UsageKey, unavailable
from quota.plans import Limits
from tests.gateway.line_of_one import APP, SUBSCRIPTION, Remembered, Stand, reference, rows, standing

LIFE = 300


class UnderWay(Remembered):
    """An exchange that has not ended, and remembers how it was told to."""

    __slots__ = ("ended", "reports_to")

    def __init__(self, request: Request) -> None:
        super().__init__(request, None)
        self.ended: list[tuple[str, bool]] = []
        self.reports_to: Callable[[Ending], None] | None = None

    def forward(self, order: Order, done: Callable[[Ending], None]) -> None:
        self.order = order
        self.reports_to = done

    @property
    def waiter(self) -> Callable[[Ending], None] | None:
        return self.reports_to

    def end_access(self, code: str, expired: bool) -> None:
        self.ended.append((code, expired))


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with standing(tmp_path) as made:
        yield made


def under_way(stand: Stand, path: str = "/eko/v1/stream", **fields: str) -> UnderWay:
    exchange = UnderWay(stand.request(path, **fields))
    stand.line(exchange)
    assert exchange.reports_to is not None
    return exchange


async def reviewed(stand: Stand, *exchanges: UnderWay, later: float = 0.0) -> list[tuple[str, bool]]:
    """How each was told to end; `later` moves the clock."""
    review = Review(lambda: stand.snapshot, lambda: list(exchanges), clock=lambda: time.time() + later)
    review.begin()
    for _ in range(len(exchanges) // 256 + 1):
        await asyncio.sleep(0)
    return [ended for exchange in exchanges for ended in exchange.ended]


SHAKE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


async def test_what_still_holds_is_left_alone(stand: Stand) -> None:
    assert await reviewed(stand, under_way(stand), under_way(stand, "/eko/v1/socket", **SHAKE)) == []


async def test_a_token_s_time_is_that_of_a_new_call(stand: Stand) -> None:
    """To the leeway: as long as the token would open something new, it keeps what is open."""
    stream = under_way(stand)
    assert await reviewed(stand, stream, later=LIFE + LEEWAY - 20) == []
    assert await reviewed(stand, stream, later=LIFE + LEEWAY + 1) == [("expired-token", True)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"apps": [replace(APP, state="suspended")]}, "app-suspended"),
        ({"apps": []}, "unknown-app"),
        ({"subscriptions": []}, "no-subscription"),
        ({"subscriptions": [replace(SUBSCRIPTION, state="suspended")]}, "subscription-not-active"),
        ({"subscriptions": [replace(SUBSCRIPTION, plan_version=99)]}, "plan-missing"),
        ({"organisations_disabled": frozenset({"org_1"})}, "organisation-disabled"),
        ({"keys": []}, "foreign-token"),
    ],
)
async def test_what_was_taken_back_ends_it(stand: Stand, change: dict[str, object], code: str) -> None:
    """Z10: each with the code that a new call would get."""
    stream, socket = under_way(stand), under_way(stand, "/eko/v1/socket", **SHAKE)
    stand.use(replace(rows(stand.mint), **change))  # type: ignore[arg-type]  # fields of AccessRows
    assert await reviewed(stand, stream, socket) == [(code, False)] * 2


async def test_a_revoked_token_ends_its_own_alone(stand: Stand) -> None:
    one, other = (
        under_way(stand, token=stand.token(jti="one")),
        under_way(stand, token=stand.token(jti="two")),
    )
    stand.use(rows(stand.mint, revoked=frozenset({"one"})))
    assert await reviewed(stand, one, other) == [("revoked-token", False)]
    assert other.ended == []


@pytest.mark.parametrize(("status", "code"), [(Status.RETIRED, "api-retired"), (None, "no-such-api")])
async def test_an_api_that_is_no_more(stand: Stand, status: Status | None, code: str) -> None:
    stream, catalog = under_way(stand), reference()
    apis = {key: api for key, api in catalog.apis.items() if key != "eko/v1"}
    if status is not None:
        apis["eko/v1"] = replace(catalog.apis["eko/v1"], status=status)
    stand.use(rows(stand.mint), replace(catalog, apis=apis))
    assert await reviewed(stand, stream) == [(code, False)]


async def test_the_control_plane_is_none_of_it(stand: Stand) -> None:
    page = under_way(stand, "/console/")
    stand.use(replace(rows(stand.mint), apps=[]))
    assert await reviewed(stand, page) == []


async def test_thousands_are_looked_at_in_slices(stand: Stand) -> None:
    """Each slice gives the loop its turn; all are seen."""
    stream = under_way(stand)
    stand.use(replace(rows(stand.mint), apps=[]))
    Review(lambda: stand.snapshot, lambda: [stream] * 600).begin()
    assert len(stream.ended) == 256
    while len(stream.ended) < 600:
        await asyncio.sleep(0)


async def test_a_changed_plan_holds_for_the_next_message(stand: Stand) -> None:
    socket = under_way(stand, "/eko/v1/socket", **SHAKE)
    stand.use(rows(stand.mint, subscription=replace(SUBSCRIPTION, plan="innovation")))
    assert await reviewed(stand, socket) == []
    tunnel = socket.order.tunnel  # type: ignore[attr-defined]  # a TunnelOrder
    decided: list[object] = []
    tunnel.messages.ask(decided.append)
    assert decided == [None]
    assert stand.counters.keys[-1].plan == "innovation"


async def test_one_subscription_has_so_many_and_no_more(stand: Stand) -> None:
    stand.line.tunnels = Tunnels(stand.counters, TunnelLimits(per_subscription=2))
    first, _ = [under_way(stand, "/eko/v1/socket", **SHAKE) for _ in range(2)]
    assert stand.line.tunnels.open == 2
    refused = stand.call(stand.request("/eko/v1/socket", **SHAKE))
    assert refused.status == 429
    assert b"too-many-tunnels" in refused.body
    assert refused.fields["retry-after"]
    assert stand.counters.said.count("take 1") == 2, "what is refused costs nothing"
    assert first.reports_to is not None
    first.reports_to(Ending(101, 10, 10, True, True, None))
    assert stand.line.tunnels.open == 1
    under_way(stand, "/eko/v1/socket", **SHAKE)


async def test_a_refused_handshake_costs_nothing(stand: Stand) -> None:
    plain = stand.call(stand.request("/eko/v1/socket"))
    assert plain.status == 426
    assert (plain.fields["upgrade"], plain.fields["connection"]) == ("websocket", "Upgrade")
    assert plain.fields["sec-websocket-version"] == "13"
    assert stand.call(stand.request("/eko/v1/socket", token=None)).status == 401, "who comes first"
    assert stand.call(stand.request("/eko/v1/socket", **{**SHAKE, "Sec_WebSocket_Key": "x"})).status == 400
    assert stand.counters.said == []
    assert stand.line.tunnels.open == 0


async def test_a_limit_that_refuses_the_connection_leaves_no_tunnel_behind(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(limits: Limits, key: UsageKey, units: int, decided: Decided) -> None:
        decided(unavailable(2))

    monkeypatch.setattr(stand.counters, "take", away)
    assert stand.call(stand.request("/eko/v1/socket", **SHAKE)).status == 503
    assert stand.line.tunnels.open == 0
