"""The choice of a pool: one per address, by weight, closed when nobody names it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from gateway.catalog.model import Environment
from gateway.catalog.model import Upstream as Place
from gateway.edge.clock import Clock
from gateway.proxy.pool import Upstream
from gateway.proxy.response import AnswerReader
from gateway.proxy.upstreams import Upstreams
from tests.gateway.line_of_one import reference

ONE, TWO = Place("http://127.0.0.1:9001"), Place("http://127.0.0.1:9002", 3)


def upstreams() -> Upstreams:
    clock, answers = Clock(), AnswerReader()
    return Upstreams("http://127.0.0.1:9000", lambda url: Upstream(url, clock, answers))


def test_one_pool_per_address() -> None:
    ours = upstreams()
    assert ours.pick([ONE]) is ours.pick([ONE])
    assert ours.pick([ONE]) is not ours.pick([TWO])
    assert {pool.url for pool in ours.all()} == {"http://127.0.0.1:9000", ONE.url, TWO.url}


def test_several_addresses_share_by_weight() -> None:
    ours = upstreams()
    seen = Counter(ours.pick([ONE, TWO]).url for _ in range(4000))
    assert 2700 < seen[TWO.url] < 3300
    assert seen[ONE.url] + seen[TWO.url] == 4000


def test_a_weight_of_nothing_gets_nothing() -> None:
    ours = upstreams()
    places: Sequence[Place] = [replace(ONE, weight=0), TWO]
    assert {ours.pick(places).url for _ in range(100)} == {TWO.url}


def test_addresses_that_left_the_catalogue_are_closed() -> None:
    ours, catalog = upstreams(), reference()
    kept = catalog.apis["eko/v1"].upstreams[Environment.SANDBOX]
    stays, leaves = ours.pick(kept), ours.pick([ONE])
    ours.keep_only(catalog)
    assert ours.pick(kept) is stays
    assert ours.pick([ONE]) is not leaves
    assert ours.control in ours.all()
