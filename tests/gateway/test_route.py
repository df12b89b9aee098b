"""The router: exact comparison, fixed segments before parameters, and the same answer as a plain search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import MethodNotAllowed, NoSuchApi, NoSuchOperation
from gateway.route import Routes, compile_routes

ROUTES = Routes(
    {
        "behov/v1": compile_routes(
            [
                ("GET", "/needs", "list"),
                ("POST", "/needs", "create"),
                ("GET", "/needs/{needId}", "read"),
                ("GET", "/needs/latest", "latest"),
                ("POST", "/needs/{needId}/answers", "answer"),
                ("GET", "/needs/latest/{part}", "part"),
                ("GET", "/", "root"),
            ]
        )
    }
)


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("GET", "/behov/v1/needs", "list"),
        ("HEAD", "/behov/v1/needs", "list"),
        ("POST", "/behov/v1/needs", "create"),
        ("GET", "/behov/v1/needs/7", "read"),
        ("GET", "/behov/v1/needs/latest", "latest"),
        ("POST", "/behov/v1/needs/latest/answers", "answer"),
        ("GET", "/behov/v1/needs/latest/summary", "part"),
        ("GET", "/behov/v1/", "root"),
    ],
)
def test_finds(method: str, path: str, target: str) -> None:
    assert ROUTES.find(method, path) == target


@pytest.mark.parametrize(
    "path", ["/", "", "/behov", "/behov/", "/behov/v2/needs", "/Behov/v1/needs", "//behov/v1/needs"]
)
def test_no_such_api(path: str) -> None:
    with pytest.raises(NoSuchApi):
        ROUTES.find("GET", path)


@pytest.mark.parametrize(
    "path",
    [
        "/behov/v1",
        "/behov/v1/needs/",
        "/behov/v1/Needs",
        "/behov/v1/needs/7/",
        "/behov/v1/needs/7/x/y",
        "/behov/v1//needs",
    ],
)
def test_no_such_operation(path: str) -> None:
    with pytest.raises(NoSuchOperation):
        ROUTES.find("GET", path)


def test_method_not_allowed_names_what_is() -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        ROUTES.find("DELETE", "/behov/v1/needs")
    assert refused.value.allowed == ("GET", "HEAD", "POST")


SEGMENT = st.sampled_from(["a", "b", "{x}", "{y}"])
TEMPLATE = st.lists(SEGMENT, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
PATH = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


def _matches(template: str, path: str) -> bool:
    left, right = template.split("/"), path.split("/")
    return len(left) == len(right) and all(
        a == b or a.startswith("{") for a, b in zip(left, right, strict=True)
    )


@given(st.lists(TEMPLATE, max_size=12), PATH)
def test_finds_what_a_plain_search_finds(templates: list[str], path: str) -> None:
    routes = compile_routes(("GET", template, template) for template in templates)
    wanted = [template for template in templates if _matches(template, path)]
    if not wanted:
        with pytest.raises(NoSuchOperation):
            routes.find("GET", path)
    else:
        found = routes.find("GET", path)
        assert _matches(found, path)
        assert (path in wanted) <= (found == path)  # a fixed path wins over any parameter


def test_head_of_a_whole_path_is_its_get_whatever_a_template_has() -> None:
    routes = compile_routes([("GET", "/a", "whole"), ("HEAD", "/{x}", "template"), ("POST", "/{x}", "post")])
    assert routes.find("HEAD", "/a") == "whole"
    assert routes.find("POST", "/a") == "post"
    assert routes.find("HEAD", "/b") == "template"


def test_a_fixed_segment_that_leads_nowhere_gives_way_to_the_parameter() -> None:
    routes = compile_routes([("GET", "/a/{x}", 1), ("GET", "/{y}/b/c", 2), ("POST", "/{y}/{z}", 3)])
    assert routes.find("GET", "/a/b") == 1
    assert routes.find("GET", "/a/b/c") == 2
    assert routes.find("POST", "/a/b") == 3
