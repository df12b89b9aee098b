"""The making of pools and groups: one pool per place, kept while somebody names it."""

from __future__ import annotations

from dataclasses import replace

from gateway.catalog.model import Balancing, Environment
from gateway.catalog.model import Upstream as Place
from gateway.edge.clock import Clock
from gateway.proxy.group import Choice
from gateway.proxy.response import AnswerReader
from gateway.proxy.upstreams import Pools, Upstreams
from tests.gateway.line_of_one import reference

ONE, TWO = Place("http://127.0.0.1:9001"), Place("http://127.0.0.1:9002", 3)


def upstreams() -> Upstreams:
    clock = Clock()
    return Upstreams("http://127.0.0.1:9000", Pools(clock, AnswerReader()), clock)


def choice(*places: Place, balancing: Balancing | None = None) -> Choice:
    return Choice(places, balancing or Balancing())


def test_one_pool_per_place_whoever_names_it() -> None:
    ours = upstreams()
    assert ours.of(choice(ONE)).pick() is ours.of(choice(ONE)).pick()
    assert ours.of(choice(ONE)).pick() is not ours.of(choice(TWO)).pick()
    assert ours.of(choice(replace(TWO, weight=9))).pick() is ours.of(choice(TWO)).pick()
    assert {pool.url for pool in ours.all()} == {"http://127.0.0.1:9000", ONE.url, TWO.url}


def test_other_options_make_other_connections() -> None:
    ours = upstreams()
    assert ours.of(choice(replace(ONE, connections=4))).pick() is not ours.of(choice(ONE)).pick()


def test_a_choice_finds_its_group_once_and_a_new_snapshot_finds_the_same() -> None:
    ours = upstreams()
    first, second = choice(ONE, TWO), choice(ONE, TWO)
    assert ours.of(first) is ours.of(first) is ours.of(second)
    assert first.group is second.group
    assert ours.of(choice(ONE, TWO, balancing=Balancing(slow_start=3.0))) is not first.group


def test_what_left_the_catalogue_is_closed() -> None:
    ours, catalog = upstreams(), reference()
    api = catalog.apis["eko/v1"]
    kept = choice(*api.upstreams[Environment.SANDBOX], balancing=api.balancing)
    stays, leaves = ours.of(kept), ours.of(choice(ONE))
    ours.follow(catalog)
    assert ours.of(choice(*kept.places)) is stays
    assert ours.of(choice(ONE)) is not leaves
    assert ours.of(choice(ONE)).pick() is not leaves.pick()
    assert ours.control in ours.all()
