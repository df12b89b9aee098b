"""The parts of `api.yaml` that say how calls are treated, as values. The file has passed its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.catalog.model import Access, Environment, Judging, Validation

MOCK: Final = "mock"  # instead of services: the document's examples answer


def access_of(value: Mapping[str, Any]) -> Access:
    return Access(
        credentials=tuple(value.get("credentials", ("oauth2",))),
        purposes=tuple(value.get("purposes", ())),
        agreement=value.get("agreement", False),
        approval=value.get("approval", False),
        pass_authorization=value.get("passAuthorization", False),
        assurance=int(value["assurance"].removeprefix("loa")) if "assurance" in value else None,
        max_age=value.get("maxAge"),
    )


def validation_of(value: Mapping[str, Any]) -> Validation:
    standard = Validation()
    return Validation(
        request=Judging(value.get("request", standard.request)),
        response=Judging(value.get("response", standard.response)),
        refuse_unknown=value.get("unknownQuery", "refuse") == "refuse",
        body=value.get("body", standard.body),
        depth=value.get("depth", standard.depth),
    )


def mocked_in(upstreams: Mapping[str, Any]) -> frozenset[Environment]:
    return frozenset(Environment(name) for name, entries in upstreams.items() if entries == MOCK)


def is_judged(value: Mapping[str, Any]) -> bool:
    """Whether anything is held against the OpenAPI document."""
    wanted = value.get("validation", {})
    modes = {wanted.get("request", Judging.OFF), wanted.get("response", Judging.OFF)}
    return modes != {Judging.OFF} or bool(mocked_in(value["upstreams"]))
