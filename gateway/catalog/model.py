"""What a publication says, as frozen values.

One `Catalog` holds every published API and plan. It comes from files only (`api.yaml`, `openapi.yaml`,
`plans.yaml`); apps, subscriptions and keys live in the database and are joined to it in `gateway.snapshot`.
Money is integer öre, time is seconds, sizes are bytes, texts exist in Swedish and English.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from gateway.catalog.answers.values import Answers


class Family(StrEnum):
    """Decides the form of errors and which profile rules the linter applies."""

    REST = "rest"
    FHIR = "fhir"
    OPENEHR = "openehr"


class Status(StrEnum):
    """Life of an API version (DIGG REST profile, VER.10)."""

    ALPHA = "alpha"
    BETA = "beta"
    ACTIVE = "active"
    DEPRECATED = "deprecated"
    RETIRED = "retired"
    DECOMMISSIONED = "decommissioned"

    @property
    def callable(self) -> bool:
        """Whether calls still pass."""
        return self not in (Status.RETIRED, Status.DECOMMISSIONED)


class Environment(StrEnum):
    SANDBOX = "sandbox"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages of the region."""

    sv: str
    en: str

    def __getitem__(self, language: str) -> str:
        return self.en if language == "en" else self.sv


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """How an https upstream is recognised, and how the gateway shows who it is. Files in PEM."""

    ca: Path | None = None  # authorities believed instead of the system's
    certificate: Path | None = None  # the gateway's own, with the chain
    key: Path | None = None
    server_name: str = ""  # in SNI and in its certificate; empty: the address's host


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """What an edge process asks of an upstream by itself. Times in seconds."""

    path: str  # below the address
    interval: float = 10.0
    timeout: float = 2.0
    unhealthy: int = 3  # failures in a row
    healthy: int = 2  # successes in a row
    status: frozenset[int] = frozenset({200})


@dataclass(frozen=True, slots=True)
class Upstream:
    """One place that answers for an API: `http://host:port/base` and its share of the calls.

    All but the weight decides which connections are shared: two APIs that say the same share them.
    """

    url: str
    weight: int = 1
    tls: UpstreamTls | None = None
    health: HealthCheck | None = None
    connections: int | None = None  # at the same time, per edge process; None: the gateway's figure
    waiting: int | None = None  # calls in its queue


@dataclass(frozen=True, slots=True)
class Balancing:
    """How an environment's upstreams share the calls."""

    slow_start: float = 0.0  # seconds in which a new or recovered upstream comes to its full share
    attempts: int = 2  # upstreams one call may be tried at


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call, as the publication says it."""

    credentials: tuple[str, ...] = ("oauth2",)  # "oauth2", "api_key"
    purposes: tuple[str, ...] = ()  # empty: any
    agreement: bool = False  # production demands an accepted agreement
    approval: bool = False  # production demands a recorded approval
    pass_authorization: bool = False  # the client's Authorization reaches the upstream
    assurance: int | None = (
        None  # lowest level of who has signed in, 1 to 4; None: a program may call by itself
    )
    max_age: int | None = None  # seconds since the person signed in


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `total` is the longest a whole exchange may take; 0 means no limit (streams)."""

    connect: float = 2.0
    first_byte: float = 15.0
    idle: float = 30.0
    total: float = 0.0


class Judging(StrEnum):
    """What happens to a message that breaks the document: nothing, it is counted, it is refused."""

    OFF = "off"
    LOG = "log"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class Validation:
    """How calls are held against the OpenAPI document. Answers are judged in the sandbox and never refused."""

    request: Judging = Judging.OFF
    response: Judging = Judging.OFF
    refuse_unknown: bool = True  # query parameters that the document does not have
    body: int = 256 * 1024  # bytes of JSON that are judged
    depth: int = 64  # levels of JSON


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of an OpenAPI document with what the line needs to know about it."""

    id: str  # operationId
    method: str  # "GET"
    path: str  # template below the API's base: "/units/{unitId}"
    scopes: frozenset[str]  # all of them are demanded
    weight: int  # units one call costs
    summary: Text
    body_limit: int  # bytes; of a WebSocket the client's largest message
    timeouts: Timeouts | None = None  # None: the API's
    message_weight: int | None = None  # units of one message from the client; None: not a WebSocket


@dataclass(frozen=True, slots=True)
class Contact:
    role: str  # "owner", "technical", "legal"
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Api:
    """One major version of one published API."""

    id: str  # "behov"
    major: int  # 1
    version: str  # "1.2.0", from the OpenAPI document
    name: Text
    summary: Text
    family: Family
    status: Status
    released: str  # ISO date
    deprecated: str | None  # ISO date, when the status is deprecated
    sunset: str | None  # ISO date
    upstreams: Mapping[Environment, tuple[Upstream, ...]]
    access: Access
    plans: tuple[str, ...]  # plan ids offered
    operations: tuple[Operation, ...]
    scopes: Mapping[str, Text]  # every scope of the document with its description
    timeouts: Timeouts
    body_limit: int
    contacts: tuple[Contact, ...]
    terms: Mapping[str, Text]  # "legal", "economic", "technical"
    service_level: Text
    openapi: Mapping[str, Any]  # the document as published: servers point at the gateway
    openapi_sv: Mapping[str, Any]  # the same with the Swedish overlay applied
    folder: Path
    answers: Answers = field(default_factory=Answers)  # CORS, header rules, cache, brown-outs
    balancing: Balancing = Balancing()
    validation: Validation = Validation()
    mocked: frozenset[Environment] = frozenset()  # environments that the document's examples answer for

    @property
    def key(self) -> str:
        """`behov/v1`: the name of this version in addresses, subscriptions, usage and metrics."""
        return f"{self.id}/v{self.major}"

    @property
    def base(self) -> str:
        """`/behov/v1`: the first two path segments on the public port."""
        return f"/{self.id}/v{self.major}"

    def answers_in(self, environment: Environment) -> bool:
        """Whether there is anything behind the API there: services, or examples."""
        return bool(self.upstreams.get(environment)) or environment in self.mocked

    @property
    def documentation(self) -> str:
        """`/portal/apis/behov/v1/`: the Swedish page of this version; the English one is below `/portal/en/`."""
        return f"/portal/apis/{self.key}/"


class AtEnd(StrEnum):
    """What happens at the end of a quota."""

    REFUSE = "refuse"
    BILL = "bill"


class CountersAway(StrEnum):
    """What happens when the counters cannot be reached."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Rate:
    """`requests` per `seconds` sustained, at most `burst` at once (GCRA)."""

    requests: int
    seconds: int
    burst: int


@dataclass(frozen=True, slots=True)
class Tier:
    """Price in öre per 1000 units from `above` units on, within one month."""

    above: int
    price_per_1000: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One published version of a plan; it never changes once published."""

    id: str
    version: int
    name: Text
    summary: Text
    fee: int  # öre per month
    included: int  # units per month without further price
    tiers: tuple[Tier, ...]
    rate: Rate | None
    per_day: int | None  # units per day, Europe/Stockholm
    per_month: int | None  # units per calendar month, Europe/Stockholm
    at_end: AtEnd
    counters_away: CountersAway
    approval: bool
    environments: frozenset[Environment]
    organisation_types: frozenset[str]  # company, research, authority, internal

    @property
    def key(self) -> str:
        """`prova@1`."""
        return f"{self.id}@{self.version}"


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything published, from files alone."""

    apis: Mapping[str, Api]  # by Api.key
    plans: Mapping[str, Plan]  # by Plan.key, every version
    digest: str  # changes when any file's content does
    current_plans: Mapping[str, Plan] = field(default_factory=dict)  # by plan id, the newest version
    plan_places: Mapping[str, tuple[Path, int]] = field(default_factory=dict)  # by Plan.key: file and line
