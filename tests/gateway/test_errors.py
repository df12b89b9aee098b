"""The error table: every class has its status, its texts and one shape."""

from __future__ import annotations

import orjson
import pytest

from auth import errors as auth_errors
from gateway.catalog.model import Family
from gateway.errors import STATUS, MethodNotAllowed, RateExceeded, Renderer, catalogue, language_of, status_of

RENDERER = Renderer("https://api.region.example")


def test_every_error_a_caller_can_meet_is_in_the_table() -> None:
    found = list(catalogue())
    assert len(found) > 30
    codes = [code for code, _, _ in found]
    assert len(set(codes)) == len(codes)
    for code, status, cls in found:
        assert 400 <= status < 600
        assert code == code.lower()
        assert " " not in code
        assert getattr(cls, "sv", "")
        assert getattr(cls, "en", "")
        assert getattr(cls, "sv") != getattr(cls, "en")  # noqa: B009 - the type does not say it


def test_a_subclass_has_its_parents_status_and_a_stranger_is_ours() -> None:
    assert status_of(RateExceeded(1)) == 429
    assert status_of(auth_errors.ExpiredToken()) == 401
    assert status_of(ValueError("x")) == 500


def test_a_problem_document_has_the_six_members() -> None:
    answer = RENDERER.render(auth_errors.MissingToken(), instance="urn:x")
    body = orjson.loads(answer.body)
    assert set(body) == {"type", "title", "status", "detail", "instance", "code"}
    assert body["type"] == f"https://api.region.example/portal/problems/{body['code']}/"
    assert (b"Content-Type", b"application/problem+json") in answer.headers
    assert (b"WWW-Authenticate", b'Bearer realm="sluss"') in answer.headers


def test_the_inside_of_an_unforeseen_fault_stays_inside() -> None:
    answer = RENDERER.render(RuntimeError("password=hunter2 at /srv/db.py:3"))
    assert answer.status == 500
    assert b"hunter2" not in answer.body
    assert b"/srv" not in answer.body


def test_a_fhir_api_gets_an_operation_outcome() -> None:
    answer = RENDERER.render(RateExceeded(7), family=Family.FHIR)
    body = orjson.loads(answer.body)
    assert body["resourceType"] == "OperationOutcome"
    assert body["issue"][0]["code"] == "throttled"
    assert (b"Content-Type", b"application/fhir+json") in answer.headers
    assert (b"Retry-After", b"7") in answer.headers


def test_headers_that_say_how_to_go_on() -> None:
    assert (b"Allow", b"GET, HEAD") in RENDERER.render(MethodNotAllowed(["GET", "HEAD"])).headers
    scope = dict(RENDERER.render(auth_errors.MissingScope(["b:write", "a:read"])).headers)[
        b"WWW-Authenticate"
    ]
    assert scope == b'Bearer realm="sluss", error="insufficient_scope", scope="a:read b:write"'


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "sv"),
        (b"", "sv"),
        (b"en", "en"),
        (b"en-GB,en;q=0.8", "en"),
        (b"sv,en;q=0.9", "sv"),
        (b"en;q=0.5,sv;q=0.4", "en"),
        (b"de,en;q=0.1", "en"),
        (b"en;q=0", "sv"),
        (b"en;q=x", "sv"),
        (b"en;q=nan", "sv"),
        (b"*", "sv"),
    ],
)
def test_language(header: bytes | None, language: str) -> None:
    assert language_of(header) == language


def test_the_table_names_no_class_twice_by_status() -> None:
    assert all(isinstance(status, int) for status in STATUS.values())
