"""What the catalogue's files alone give the line: routes with what each leads to, and documents.

Whatever is the same for every call of an operation is worked out here, once. Knows no database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auth.assurance import acr_of
from auth.policy import Demand
from gateway.access_log import Place
from gateway.answers.cors import Cors
from gateway.answers.header_rules import SECURITY, SECURITY_LINES, compiled
from gateway.answers.shaping import Shaping, shaping_of
from gateway.catalog import served
from gateway.catalog.model import Api, Catalog, Operation
from gateway.edge.order import Terms
from gateway.headers import LIFE_NAMES, Field, life_fields, lines_of, prefix_line, successor_address
from gateway.proxy.group import Choice
from gateway.proxy.pool import PoolLimits
from gateway.route import ApiRoutes, Routes, compile_routes
from gateway.validation.checks import ApiChecks, are_wanted, compile_checks
from gateway.validation.mock import NO_MOCK, Mock
from gateway.validation.requests import RequestChecks
from gateway.validation.responses import ResponseCheck

NO_LIMIT = float("inf")
POOL = PoolLimits()


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """What a route leads to: one operation of one API, with all that is the same for each call of it. Compared
    by identity, since it is a key on the line.
    """

    api: Api
    operation: Operation
    demand: Demand
    upstreams: Mapping[str, Choice]  # by environment; without places where the mock answers
    terms: Terms
    cut: int  # characters of the API's base, which the upstream does not see
    service_lines: bytes  # what every call tells the service: that base, and what header rules set
    life: Sequence[Field]  # what answers say of a version on its way out
    answer_lines: bytes  # the same with what header rules set, for relayed answers
    successor: str  # where to read about the version after this one, "" when there is none
    shaping: Shaping | None  # CORS, brown-outs and the like; None for most
    checks: RequestChecks | None  # None where requests are not judged
    responses: ResponseCheck | None  # in the sandbox
    mock: Mock  # where there is no upstream
    place: Place  # "/behov/v1/needs/{needId}": what logs and metrics show


@dataclass(frozen=True, slots=True)
class Document:
    """A file the edge answers with itself: the OpenAPI document, api-info."""

    media_type: bytes
    body: bytes

    @property
    def fields(self) -> list[Field]:
        """Whoever wants may read it: try-it pages and tools do."""
        return [
            (b"Content-Type", self.media_type),
            (b"Cache-Control", b"public, max-age=60"),
            (b"Access-Control-Allow-Origin", b"*"),
            *SECURITY,
        ]


def routes_of(catalog: Catalog, issuer: str, checks: Mapping[str, ApiChecks]) -> Routes[Published]:
    """`checks` by API key, as `checks_of` makes them."""
    return Routes(
        {api.key: _routes(api, catalog, issuer, checks.get(api.key)) for api in catalog.apis.values()}
    )


def checks_of(catalog: Catalog, before: Mapping[str, ApiChecks]) -> dict[str, ApiChecks]:
    """The checks of every API that asks for some; those of an API that has not changed are taken over."""
    found: dict[str, ApiChecks] = {}
    for api in catalog.apis.values():
        if are_wanted(api):
            known = before.get(api.key)
            found[api.key] = known if known is not None and known.api is api else compile_checks(api)
    return found


def _routes(api: Api, catalog: Catalog, issuer: str, checks: ApiChecks | None) -> ApiRoutes[Published]:
    upstreams = {
        str(environment): Choice(places, api.balancing)
        for environment, places in api.upstreams.items()
        if places or environment in api.mocked
    }
    later = [each for each in catalog.apis.values() if each.id == api.id and each.major > api.major]
    successor = min(
        (each for each in later if each.status.callable), key=lambda each: each.major, default=None
    )
    life = life_fields(api, successor, issuer)
    rules = compiled(api.answers.headers)
    cors = Cors(api.answers.cors) if api.answers.cors is not None else None
    return compile_routes(
        (
            operation.method,
            operation.path,
            Published(
                api=api,
                operation=operation,
                demand=_demand(api, operation),
                upstreams=upstreams,
                terms=_terms(api, operation, rules.response_gone | (LIFE_NAMES if life else frozenset())),
                cut=len(api.base),
                service_lines=prefix_line(api.base) + rules.request_lines,
                life=life,
                answer_lines=SECURITY_LINES + lines_of(life) + rules.response_lines,
                successor=successor_address(successor, issuer) if successor is not None else "",
                shaping=shaping_of(api, operation, cors, rules),
                checks=checks.requests.get(operation.id) if checks is not None else None,
                responses=checks.responses.get(operation.id) if checks is not None else None,
                mock=checks.mocks.get(operation.id, NO_MOCK) if checks is not None else NO_MOCK,
                place=Place(api.base + operation.path, api.key, operation.id),
            ),
        )
        for operation in api.operations
    )


def _demand(api: Api, operation: Operation) -> Demand:
    level = api.access.assurance
    return Demand(
        api.key,
        operation.scopes,
        api.status.callable,
        api_keys="api_key" in api.access.credentials,
        offered=frozenset(api.scopes),
        acr="" if level is None else acr_of(level),
        max_age=api.access.max_age,
    )


def _terms(api: Api, operation: Operation, replaced: frozenset[bytes]) -> Terms:
    times = operation.timeouts or api.timeouts
    return Terms(
        body_limit=operation.body_limit,
        connect_timeout=times.connect,
        first_byte_timeout=times.first_byte,
        idle_timeout=times.idle,
        total_timeout=times.total or NO_LIMIT,
        allow_upgrade=operation.message_weight is not None,
        pass_authorization=api.access.pass_authorization,
        replaced=replaced,
        lasting=operation.message_weight is not None or times.first_byte > POOL.long_seconds,
    )


def cors_of(catalog: Catalog) -> dict[str, Cors]:
    """By API key, for what is answered before an operation is known."""
    return {api.key: Cors(api.answers.cors) for api in catalog.apis.values() if api.answers.cors is not None}


def documents_of(catalog: Catalog, issuer: str) -> dict[str, Document]:
    documents: dict[str, Document] = {}
    for api in catalog.apis.values():
        json_body = served.openapi_json(api, issuer, "en")
        yaml_body = served.openapi_yaml(api, issuer, "en")
        documents[f"{api.base}/openapi.json"] = Document(b"application/json", json_body)
        documents[f"{api.base}/openapi.yaml"] = Document(b"application/yaml", yaml_body)
        documents[f"{api.base}/api-info"] = Document(b"application/json", served.api_info(api, issuer))
    return documents
