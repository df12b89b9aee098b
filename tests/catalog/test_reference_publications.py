"""The publications that come with the project: sound, complete in both languages, by the REST profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.catalog.lint import lint
from gateway.catalog.load import load
from gateway.catalog.model import Api, Catalog, Environment

BACKENDS = Path(__file__).parents[2] / "backends"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load([BACKENDS], {})


def test_they_are_all_there(catalog: Catalog) -> None:
    assert set(catalog.apis) == {"behov/v1", "eko/v1", "vardenheter/v1"}
    assert set(catalog.plans) == {"prova@1", "innovation@1", "forskning@1", "leverantor@1", "intern@1"}


def test_the_linter_has_nothing_to_say() -> None:
    assert [str(fault) for fault in lint(BACKENDS)] == []


def test_scopes_are_those_of_the_operations(catalog: Catalog) -> None:
    def demanded(api: Api) -> set[str]:
        return {scope for operation in api.operations for scope in operation.scopes}

    assert demanded(catalog.apis["behov/v1"]) == {"behov:read", "behov:write"}
    for api in catalog.apis.values():
        assert demanded(api) == set(api.scopes)
        assert all(operation.scopes for operation in api.operations)


def test_summaries_differ_between_the_languages(catalog: Catalog) -> None:
    for api in catalog.apis.values():
        for operation in api.operations:
            assert operation.summary.sv != operation.summary.en


def test_the_numbers_of_the_first_plan(catalog: Catalog) -> None:
    plan = catalog.current_plans["prova"]
    assert plan.rate is not None
    assert (plan.rate.requests, plan.rate.seconds, plan.rate.burst) == (25, 1, 50)
    assert (plan.per_day, plan.per_month, plan.fee) == (500, 5000, 0)
    assert plan.environments == {Environment.SANDBOX}
    assert all(plan.id in api.plans for api in catalog.apis.values())


@pytest.mark.parametrize("name", ["vardenheter", "behov", "eko"])
def test_each_can_be_read_alone(name: str) -> None:
    assert list(load([BACKENDS / name], {}).apis) == [f"{name}/v1"]


def test_upstreams_follow_the_environment() -> None:
    catalog = load([BACKENDS], {"SLUSS_UPSTREAM_EKO": "http://10.0.0.1:80"})
    [upstream] = catalog.apis["eko/v1"].upstreams[Environment.SANDBOX]
    assert upstream.url == "http://10.0.0.1:80"
    [other] = catalog.apis["behov/v1"].upstreams[Environment.SANDBOX]
    assert other.url == "http://127.0.0.1:9102"
