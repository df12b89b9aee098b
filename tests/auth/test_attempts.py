"""Counting of failed tries: limits, forgetting, and bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.attempts import Allowance, Attempts, Guard, network


def test_the_limit_and_the_wait() -> None:
    counter = Attempts(Allowance(tries=3, seconds=60))
    for tries in (1, 2, 3):
        assert counter.wait("a", 100) == 0
        assert counter.count("a", 100) == tries
    assert counter.wait("a", 100) == 60
    assert counter.wait("a", 130.5) == 30
    assert counter.wait("a", 159.9) == 1
    assert counter.wait("a", 160) == 0
    assert counter.wait("b", 100) == 0
    assert counter.count("a", 160) == 1


def test_a_genuine_try_is_taken_back() -> None:
    counter = Attempts(Allowance(tries=1, seconds=60))
    counter.count("a", 0)
    counter.forgive("a")
    counter.forgive("a")
    counter.forgive("unknown")
    assert counter.wait("a", 0) == 0
    assert counter.count_of("a") == 0


def test_a_clock_set_back_never_waits_longer_than_a_window() -> None:
    counter = Attempts(Allowance(tries=1, seconds=60))
    counter.count("a", 10_000)
    assert counter.wait("a", 0) == 60


@given(st.lists(st.text(max_size=3), max_size=60))
def test_memory_is_bounded(names: list[str]) -> None:
    counter = Attempts(Allowance(tries=5, seconds=60), size=4)
    for name in names:
        counter.count(name, 0)
        assert counter.known <= 4


def test_a_guard_waits_for_its_longest() -> None:
    guard = Guard((Attempts(Allowance(2, 10)), Attempts(Allowance(3, 100))))
    guard.count(("a", "ip"), 0)
    guard.count(("a", "ip"), 0)
    assert guard.wait(("a", "ip"), 0) == 10
    assert guard.wait(("b", "ip"), 0) == 0
    guard.count(("b", "ip"), 0)
    assert guard.wait(("c", "ip"), 0) == 100
    guard.forgive(("b", "ip"))
    assert guard.wait(("c", "ip"), 0) == 0


@pytest.mark.parametrize(
    ("ip", "name"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", "unknown"),
        ("evil", "unknown"),
    ],
)
def test_an_ipv6_subscriber_is_one_caller(ip: str, name: str) -> None:
    assert network(ip) == name
