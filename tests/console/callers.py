"""Those who use the control plane in tests: a program with a personal token, and a browser without JavaScript.

Every answer of the management API that passes here is held to its OpenAPI document: an undocumented status or a body
of another shape fails the test that met it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import httpx
import pyotp

from auth.origin import system
from auth.people import People
from console.letters.post import MemoryOutbox, Post
from console.management.openapi import refusal_statuses
from console.management.operation import Operation
from console.management.operations import TABLE
from storage.database import Database
from storage.people import Person
from tests.console.browser import ISSUER, Browser

ROOT = "/management/v1"
CODES_KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PASSWORD = "ett långt lösenord med åäö"


@dataclass
class Clock:
    at: float

    def __call__(self) -> float:
        return self.at

    def now(self) -> int:
        return int(self.at)


def operation_for(method: str, path: str) -> Operation | None:
    """The table's row for a request path below the API's root."""
    for operation in TABLE:
        pattern = re.sub(r"{\w+}", "[^/]+", operation.path)
        if operation.method == method and re.fullmatch(pattern, path):
            return operation
    return None


@dataclass
class Program:
    """Calls the management API as one person."""

    client: httpx.AsyncClient
    token: str | None = None
    person_id: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def call(
        self,
        method: str,
        path: str,
        json: object = None,
        *,
        headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> httpx.Response:
        sent = {**self.headers, **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if json is not None:
            kwargs["json"] = json
        answer = await self.client.request(method, f"{ROOT}{path}", headers=sent, **kwargs)
        _documented(method, path.partition("?")[0], answer)
        return answer

    async def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return await self.call("GET", path, **kwargs)

    async def post(self, path: str, json: object = None, **kwargs: Any) -> httpx.Response:
        return await self.call("POST", path, json, **kwargs)

    async def delete(self, path: str, **kwargs: Any) -> httpx.Response:
        return await self.call("DELETE", path, **kwargs)


def _documented(method: str, path: str, answer: httpx.Response) -> None:
    operation = operation_for(method, path)
    if operation is None:
        return
    assert answer.status_code in {operation.status, *refusal_statuses(operation)}, answer.text
    if answer.status_code >= 400:
        body = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "instance", "code"} <= body.keys()
        assert body["status"] == answer.status_code
    elif operation.answers is not None:
        operation.answers.model_validate(answer.json(), by_alias=True, strict=True)


@dataclass
class Console:
    """One running control plane and ways to make callers."""

    client: httpx.AsyncClient
    transport: httpx.ASGITransport
    database: Database
    people: People
    clock: Clock
    outbox: MemoryOutbox
    post: Post
    codes_given: int = 0

    def anyone(self) -> Program:
        return Program(self.client)

    async def person(self, email: str, *, operator: bool = False) -> Program:
        """Signs up and gets a personal token."""
        made = await self.people.sign_up(
            email=email,
            name=email.partition("@")[0],
            password=PASSWORD,
            now=self.clock.now(),
            origin=system("test"),
            operator=operator,
        )
        body = {"name": "test", "email": email, "password": PASSWORD}
        if operator:
            await self.second_factor(made)
            body["code"] = self.code()
        answer = await self.anyone().post("/personal-tokens", body)
        assert answer.status_code == 201, answer.text
        return Program(self.client, answer.json()["token"], made.id)

    async def second_factor(self, person: Person) -> list[str]:
        """One-time codes for the person, confirmed an hour ago; the recovery codes."""
        before = self.clock.now() - 3600
        factors = self.people.factors
        async with self.database.begin() as session:
            await factors.propose(session, person, before, CODES_KEY)
            code = pyotp.TOTP(CODES_KEY).at(before)
            return await factors.confirm(session, person, code, before, system("test"))

    def code(self) -> str:
        """A code not used before: three sign-ins of one person fit into one moment."""
        self.codes_given += 1
        return pyotp.TOTP(CODES_KEY).at(self.clock.now() + 30 * ((self.codes_given - 1) % 3 - 1))

    def browser(self, **headers: str) -> Browser:
        made = httpx.AsyncClient(transport=self.transport, base_url=ISSUER, headers=headers)
        return Browser(made, self.code)

    async def organisation(self, owner: Program, name: str = "Ånga AB", kind: str = "company") -> str:
        answer = await owner.post("/organisations", {"name": name, "number": "556677-8899", "type": kind})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def app(self, owner: Program, organisation: str, name: str = "Prov", where: str = "sandbox") -> str:
        answer = await owner.post(f"/organisations/{organisation}/apps", {"name": name, "environment": where})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])
