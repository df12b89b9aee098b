"""Redirect URIs to the letter, but for the port of a loopback address (RFC 9700, 2.1; RFC 8252, 7.3)."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.authorization.redirects import answer_to, origin_of, registered

KNOWN = (
    "https://app.example/cb",
    "http://127.0.0.1/cb",
    "http://[::1]:7000/cb?x=1",
    "http://localhost:3000/cb",
    "se.example.app:/cb",
)


@pytest.mark.parametrize(
    "uri", [*KNOWN, "http://127.0.0.1:49152/cb", "http://[::1]/cb?x=1", "http://[::1]:1/cb?x=1"]
)
def test_what_is_registered(uri: str) -> None:
    assert registered(uri, KNOWN)


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "https://app.example:444/cb",
            "https://app.example/cb/",
            "https://app.example/cb?",
            "HTTPS://app.example/cb",
        ),
        *(
            "https://127.0.0.1/cb",
            "http://127.0.0.1/cb/x",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:65536/cb",
        ),
        *(
            "http://127.0.0.1:01/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://127.0.0.2/cb",
        ),
        *("http://127.0.0.1:1/cb\r\n", "http://[::1]:1/cb", "http://[::2]:1/cb?x=1", "http://[::1]:1/cb?x=2"),
        *(
            "http://localhost/cb",
            "http://localhost:3001/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.1/cb",
        ),
        *("se.example.app:/cb/", "se.example.app://cb", "", " https://app.example/cb"),
    ],
)
def test_what_is_not(uri: str) -> None:
    assert not registered(uri, KNOWN)


@given(
    st.dictionaries(st.text(min_size=1), st.text(), min_size=1),
    st.sampled_from([*KNOWN, "https://a.example/?q"]),
)
def test_an_answer_is_read_back_unharmed(parameters: dict[str, str], uri: str) -> None:
    try:
        location = answer_to(uri, parameters)
    except UnicodeEncodeError:
        return  # a lone surrogate, which no request can hold
    assert location.startswith(uri)
    assert location.isascii()
    assert not any(character in location for character in "\r\n\x00 ")
    found = parse_qsl(urlsplit(location).query, keep_blank_values=True)
    assert [pair for pair in found if pair in parameters.items()] == [*parameters.items()]


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://app.example/cb", "https://app.example"),
        ("https://app.example:8443?a=1", "https://app.example:8443"),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:1"),
        ("http://[::1]:1/cb", "http:"),
        ("se.example.app:/cb", "se.example.app:"),
        ("https://app.example;script-src/cb", "https:"),
    ],
)
def test_the_origin_of_a_policy(uri: str, origin: str) -> None:
    assert origin_of(uri) == origin
