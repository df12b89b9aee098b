"""One operation of the management API: what the router, the checks and the OpenAPI document are all made from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from console.arrival import Arrival
from console.desk import Desk
from console.errors import ConsoleError
from console.management.paging import NoQuery
from console.roles import Actor

M = TypeVar("M", bound=BaseModel)


class Door(Enum):
    """Who is let in before the handler runs."""

    OPEN = "open"
    PERSON = "person"
    OPERATOR = "operator"


class Work(Enum):
    """Which transaction the handler gets."""

    NONE = "none"
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler may use of a request, all of it checked."""

    desk: Desk
    arrival: Arrival
    actor: Actor | None
    session_or_none: AsyncSession | None
    path: Mapping[str, str]
    query: BaseModel
    body: BaseModel | None
    address: str  # absolute, without the query
    parameters: Mapping[str, str]  # the query as sent
    now: int

    @property
    def session(self) -> AsyncSession:
        assert self.session_or_none is not None, "the operation asked for no transaction"
        return self.session_or_none

    @property
    def person(self) -> Actor:
        assert self.actor is not None, "the operation's door is open"
        return self.actor

    def within(self, session: AsyncSession) -> Call:
        return replace(self, session_or_none=session)

    def body_as(self, shape: type[M]) -> M:
        assert isinstance(self.body, shape)
        return self.body

    def query_as(self, shape: type[M]) -> M:
        assert isinstance(self.query, shape)
        return self.query


@dataclass(frozen=True, slots=True)
class Answer:
    body: BaseModel | Mapping[str, object] | None
    location: str | None = None  # absolute; with it the status is 201


Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str  # below /management/v1, with {names}
    id: str
    summary: str
    summary_sv: str
    tag: str
    handler: Handler
    status: int
    answers: type[BaseModel] | None
    takes: type[BaseModel] | None = None
    query: type[BaseModel] = NoQuery
    door: Door = Door.PERSON
    work: Work = Work.READ
    refusals: tuple[type[ConsoleError], ...] = field(default=())

    @property
    def mutates(self) -> bool:
        return self.method not in ("GET", "HEAD")
