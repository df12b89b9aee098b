"""T29: addresses that others name are called only where the public may be called, and at the very address judged."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import pytest

from auth.errors import RefusedAddress
from auth.proofs.addresses import Guard, target_of
from auth.proofs.fetching import Fetcher
from tests.auth.proofs.https_server import Served, serving

PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/k", "ftp://a.example/", "file:///etc/passwd", "//a.example/", "a.example", "", "https://",
        "https:///k", "https://u@a.example/", "https://u:p@a.example/", "https://a.example/#x", "https://a.example:0/",
        "https://a.example:99999/", "https://a.example:x/", "https://[::1", "https://a.example\\@evil.example/",
        "https://a example/", "https://å.example/", "https://a.example/\r\nHost: x", "https://-a.example/",
        "https://a.example/" + "x" * 2048,
    ],
)  # fmt: skip
def test_what_is_no_address_to_call(url: str) -> None:
    with pytest.raises(RefusedAddress):
        target_of(url)


def test_an_address_taken_apart() -> None:
    target = target_of("https://A.example:8443/k?x=1")
    assert (target.host, target.port, target.path) == ("a.example", 8443, "/k?x=1")
    assert target_of("https://a.example").path == "/"
    assert target_of("https://[2001:db8::1]/k").host == "2001:db8::1"


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        (PUBLIC, True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("127.1.2.3", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),  # the clouds' metadata
        ("192.0.0.192", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        (f"::ffff:{PUBLIC}", True),
        ("2002:7f00:1::", False),  # 6to4 of 127.0.0.1
        ("64:ff9b::a00:1", False),  # NAT64 of 10.0.0.1
        ("nonsense", False),
    ],
)
def test_which_addresses_may_be_called(address: str, allowed: bool) -> None:
    assert Guard().allows(address) is allowed


def guard(*found: str) -> Guard:
    async def lookup(host: str, port: int) -> Sequence[str]:
        return found

    return Guard(lookup=lookup)


async def test_one_address_that_may_not_be_called_refuses_the_name() -> None:
    target = target_of("https://a.example/")
    assert await guard(PUBLIC).pinned(target) == PUBLIC
    for found in ((PUBLIC, "127.0.0.1"), ("10.0.0.1", PUBLIC), ()):
        with pytest.raises(RefusedAddress):
            await guard(*found).pinned(target)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "017700000001", "127.1", "localhost", "[::1]", "[::ffff:7f00:1]"]
)
async def test_odd_forms_of_the_machine_itself(host: str) -> None:
    """Asked of the real look-up, which is what gives them their meaning."""
    with pytest.raises(RefusedAddress):
        await Guard().pinned(target_of(f"https://{host}/"))


async def test_a_name_is_looked_up_once_for_one_call() -> None:
    """DNS rebinding: what is asked a second time could be answered otherwise."""
    asked: list[str] = []

    async def lookup(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ("127.0.0.1",)

    async with serving() as server:
        inside = Guard(server.networks, lookup)
        text = await Fetcher(inside, server.trust).text(f"https://keys.example:{server.port}/keys")
    assert text == '{"keys": []}'
    assert asked == ["keys.example"]
    assert server.hosts == [f"keys.example:{server.port}"]


@pytest.mark.parametrize("path", ["/redirect", "/missing", "/large", "/endless", "/packed", "/binary"])
async def test_answers_that_are_not_taken(path: str) -> None:
    async with serving() as server:
        with pytest.raises(RefusedAddress):
            await _fetcher(server).text(f"https://keys.example:{server.port}{path}")
        assert server.paths == [path]  # no redirect was followed
        assert server.sent < 25_000_000  # of 50: the rest stands in the buffers of two sockets


async def test_the_certificate_must_be_the_names_own() -> None:
    async with serving() as server:
        with pytest.raises(RefusedAddress):
            await _fetcher(server).text(f"https://other.example:{server.port}/keys")
        untrusting = Fetcher(_inside(server), ssl.create_default_context())
        with pytest.raises(RefusedAddress):
            await untrusting.text(f"https://keys.example:{server.port}/keys")


@pytest.mark.parametrize(
    ("path", "status"), [("/keys", 200), ("/redirect", 302), ("/missing", 404), ("/endless", 200)]
)
async def test_a_notice_is_posted_to_the_very_address_and_its_answer_is_not_read(
    path: str, status: int
) -> None:
    async with serving() as server:
        fetcher = _fetcher(server)
        url = f"https://keys.example:{server.port}{path}"
        assert await fetcher.post(url, {"logout_token": "x.y.z"}) == status
        assert server.paths == [path]
        assert server.heads[0].startswith(f"POST {path} HTTP/1.1")
        assert server.sent < 25_000_000
    with pytest.raises(RefusedAddress):
        await Fetcher(Guard()).post("https://127.0.0.1/", {})
    with pytest.raises(RefusedAddress):
        await Fetcher(Guard()).post("http://a.example/", {})


def _inside(server: Served) -> Guard:
    async def lookup(host: str, port: int) -> Sequence[str]:
        return ("127.0.0.1",)

    return Guard(server.networks, lookup)


def _fetcher(server: Served) -> Fetcher:
    return Fetcher(_inside(server), server.trust)
