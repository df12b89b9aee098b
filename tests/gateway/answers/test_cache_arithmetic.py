"""Freshness, age, directives, conditions and the store's bounds: pure functions, by property and by example."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.vardenheter.app import FRESH
from gateway.cache import conditions, freshness, storing
from gateway.cache.freshness import LONGEST, current_age, directives, initial_age, lifetime, seconds
from gateway.cache.key import Key
from gateway.cache.store import MOST_VARIANTS, Entry, Store
from gateway.catalog.answers.values import Shared
from tests.gateway.line_of_one import reference

TIMES = st.integers(0, 4 * 10**9).map(float)
SPANS = st.integers(0, 10**6).map(float)


def dated(at: float) -> list[bytes]:
    return [formatdate(at, usegmt=True).encode()]


@given(now=TIMES, age=st.integers(0, 10**6), behind=SPANS, delay=SPANS, later=SPANS)
def test_an_answer_is_never_younger_than_anything_says(
    now: float, age: int, behind: float, delay: float, later: float
) -> None:
    """RFC 9111, 4.2.3."""
    now = max(now, behind)
    found = initial_age({b"date": dated(now - behind), b"age": [b"%d" % age]}, now, delay)
    assert found == max(behind, age + delay)
    assert current_age(found, 10.0, 10.0 + later) == found + later
    assert current_age(found, 10.0, 9.0) == found  # a clock that went back makes nothing younger


@given(now=TIMES, ahead=SPANS)
def test_a_date_in_the_future_makes_no_negative_age(now: float, ahead: float) -> None:
    assert initial_age({b"date": dated(now + ahead)}, now, 0.0) == 0.0


@given(now=TIMES, ahead=st.integers(-(10**6), 10**6), shift=st.integers(-(10**5), 10**5))
def test_expires_counts_from_the_answer_s_own_date(now: float, ahead: int, shift: int) -> None:
    """The service's clock may be wrong; the span it says is right."""
    own = max(0.0, now + shift)
    ends = max(0.0, own + ahead)
    fields = {b"date": dated(own), b"expires": dated(ends)}
    expected = 0 if ends <= own else int(ends - own)
    assert lifetime({}, fields, now) == expected or own == 0.0


@given(shared=st.integers(0, 10**12), private=st.integers(0, 10**12), now=TIMES)
def test_the_shared_cache_s_own_word_goes_first(shared: int, private: int, now: float) -> None:
    said = directives([b"max-age=%d, s-maxage=%d" % (private, shared)])
    fields = {b"expires": dated(now + 5), b"date": dated(now)}
    assert lifetime(said, fields, now) == min(shared, LONGEST)
    assert lifetime(directives([b"max-age=%d" % private]), fields, now) == min(private, LONGEST)
    assert lifetime(directives([b"no-cache, max-age=9"]), fields, now) == 0
    assert lifetime({}, {}, now) is None


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=5))
def test_of_several_values_the_smallest_holds(values: list[int]) -> None:
    assert directives([b"max-age=%d" % each for each in values]) == {
        "max-age": str(values[0]) if len(values) == 1 else str(min(values))
    }


@given(st.binary(max_size=60))
def test_any_cache_control_is_read_or_forbids(value: bytes) -> None:
    said = directives([value])
    assert all(name == name.lower() and name for name in said)
    assert seconds(said.get("max-age")) >= 0


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"", {}),
        (b"public", {"public": None}),
        (b" Max-Age = 5", {"no-store": None}),
        (b'max-age="5" , public', {"max-age": "5", "public": None}),
        (b'private="a, b", max-age=1', {"private": "a, b", "max-age": "1"}),
        (b"public,,max-age=1,", {"public": None, "max-age": "1"}),
        (b'ext="a\\"b", no-store', {"ext": 'a\\"b', "no-store": None}),
        (b'a="b', {"no-store": None}),
        (b"public max-age=1", {"no-store": None}),
    ],
)
def test_directives_are_read_strictly(value: bytes, said: dict[str, str | None]) -> None:
    assert directives([value]) == said


@pytest.mark.parametrize(
    "text", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_the_three_forms_of_a_date(text: str) -> None:
    """RFC 9110, 5.6.7."""
    assert freshness.moment([text.encode()]) == 784111777.0
    assert freshness.moment([text.encode(), text.encode()]) is None


@given(st.binary(max_size=40))
def test_no_date_breaks_the_reader(value: bytes) -> None:
    found = freshness.moment([value])
    assert found is None or isinstance(found, float)


@pytest.mark.parametrize(
    ("asked", "kept", "same"),
    [
        (b'"a"', b'"a"', True),
        (b'W/"a"', b'"a"', True),
        (b'"a"', b'W/"a"', True),
        (b'"x,y", "a"', b'"a"', True),
        (b'"b"', b'"a"', False),
        (b"*", b'"a"', True),
        (b"a", b'"a"', False),
        (b'"a', b'"a"', False),
        (b'"a"', b"a", False),
    ],
)
def test_entity_tags_are_compared_weakly(asked: bytes, kept: bytes, same: bool) -> None:
    assert conditions.not_modified({b"if-none-match": [asked]}, {b"etag": [kept]}) is same


def test_a_304_replaces_what_it_names_and_nothing_that_frames() -> None:
    kept = [b'ETag: "a"', b"X-A: 1", b"x-a: 2", b"Content-Type: text/plain", b"Date: old"]
    news = [b"X-A: 3", b"content-type: text/html", b"Date: new", b"Content-Length: 0"]
    assert conditions.refreshed(kept, news) == [
        b'ETag: "a"',
        b"Content-Type: text/plain",
        b"X-A: 3",
        b"Date: new",
    ]


def test_an_answer_for_everyone_needs_the_service_s_word() -> None:
    for said, everyone in (
        ("max-age=1", False),
        ("public", True),
        ("s-maxage=1", True),
        ("must-revalidate", True),
    ):
        read = directives([said.encode()])
        assert storing.may_keep(200, read, Shared.EVERYONE) is everyone
        assert storing.may_keep(200, read, Shared.ORGANISATION)
    assert not storing.may_keep(206, directives([b"public"]), Shared.EVERYONE)


def key(number: int, api: str = "a/v1", path: str = "/a/v1/x") -> Key:
    return Key(api, path, b"%d" % number, b"h", False, b"", b"", b"")


def entry(number: int, size: int = 0, value: bytes = b"", api: str = "a/v1") -> Entry:
    return Entry(key(number, api), 200, [], b"x" * size, (b"x",), (value,))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 5000)), max_size=80))
def test_the_store_counts_what_it_holds_and_never_more(puts: list[tuple[int, int, int]]) -> None:
    store = Store(40_000)
    for number, value, size in puts:
        store.put(entry(number, size, b"%d" % value))
        held = [each for n in range(10) for each in store.variants(key(n))]
        assert store.bytes == sum(each.size for each in held) <= store.limit
        assert len(held) == len(store)
        assert len({(each.key, each.selected) for each in held}) == len(held)
    store.purge({"a/v1"})
    assert (store.bytes, len(store), store._by_key, store._by_path) == (0, 0, {}, {})


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 500)), min_size=40, max_size=80))
def test_nobody_below_an_equal_share_is_pushed_out(puts: list[tuple[str, int]]) -> None:
    """However much the others put: what one has put is all there, while it is less than its part of three."""
    store, wanted = Store(40_000), 0
    for number, (owner, size) in enumerate(puts):
        made = entry(number, size)
        if owner == "a" and wanted + made.size > store.limit // 3:
            continue
        made.owner = owner
        store.put(made)
        wanted += made.size if owner == "a" else 0
        held = [each for n in range(len(puts)) for each in store.variants(key(n)) if each.owner == "a"]
        assert sum(each.size for each in held) == wanted
        assert store.bytes <= store.limit


def test_answers_under_way_leave_room_for_others() -> None:
    store = Store(8000)
    assert store.fill("a", 1000)
    assert not store.fill("a", 1), "half of the quarter"
    assert store.fill("b", 900)
    assert not store.fill("c", 200), "all of it"
    for owner, size in (("a", 1001), ("b", 900), ("c", 200)):
        store.fill(owner, -size)
    assert (store.filling_bytes, store._filling_of) == (0, {})
    assert store.fill("c", 1000)


def test_who_is_alone_has_all_of_it() -> None:
    store = Store(40_000)
    for number in range(100):
        store.put(entry(number, 500))
    assert store.bytes > 38_000
    assert [n for n in range(100) if store.variants(key(n))] == list(range(100 - len(store), 100))


def test_variants_of_one_address_are_bounded() -> None:
    store = Store(10**6)
    for number in range(MOST_VARIANTS + 5):
        store.put(entry(1, value=b"%d" % number))
    assert len(store.variants(key(1))) == MOST_VARIANTS


def test_an_api_is_purged_alone() -> None:
    store = Store(10**6)
    store.put(entry(1))
    store.put(entry(1, api="b/v1"))
    store.purge({"a/v1"})
    assert [len(store.variants(key(1, api))) for api in ("a/v1", "b/v1")] == [0, 1]


@pytest.mark.parametrize(
    ("purged", "left"),
    [((), 2), (("eko/v1",), 1), (("eko",), 1), (("",), 0), (("ek", "eko/v2"), 2)],
)
def test_a_purge_names_an_api_its_versions_or_all(purged: tuple[str, ...], left: int) -> None:
    store, catalog = Store(10**6), reference()
    store.follow(catalog)
    for api in ("eko/v1", "behov/v1"):
        store.put(entry(1, api=api))
    store.follow(catalog, frozenset(purged))
    assert len(store) == left


def test_nothing_is_kept_by_a_store_of_no_bytes() -> None:
    store = Store(0)
    store.put(entry(1))
    assert len(store) == 0


def test_the_reference_s_open_data_are_kept_for_everyone() -> None:
    caching = reference().apis["vardenheter/v1"].answers.cache
    assert caching is not None
    assert caching.shared is Shared.EVERYONE
    said = directives([FRESH["Cache-Control"].encode()])
    assert storing.may_keep(200, said, caching.shared)
    assert lifetime(said, {}, 0.0) == 3600
