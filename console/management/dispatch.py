"""From a request to a handler and back: who calls, is the message sound, one transaction, one answer.

The order matters: a caller who is not let in learns nothing about bodies or objects, so the door comes first.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from console import arrival, errors, problem, transactions
from console.arrival import ID
from console.desk import Desk
from console.management.caller import Caller, identify
from console.management.field_faults import faults_of
from console.management.operation import Answer, Call, Door, Operation, Work
from console.management.strict_json import collect, parse
from console.services.standing import demand_operator
from console.translate_faults import translated

ROOT = "/management/v1"


class Endpoint:
    """All operations of one path, as an ASGI application."""

    def __init__(self, desk: Desk, operations: Mapping[str, Operation]) -> None:
        self._desk = desk
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        arrived = arrival.read(request)
        try:
            operation = self._operations.get("GET" if request.method == "HEAD" else request.method)
            if operation is None:
                raise errors.MethodNotAllowed(request.method, allowed=self._allowed())
            return await self._run(operation, request, arrived)
        except errors.ConsoleError as refusal:
            return problem.render(refusal, arrived, self._desk.issuer)
        except ClientDisconnect:
            return problem.render(errors.Unreadable("cut off"), arrived, self._desk.issuer)

    def _allowed(self) -> list[str]:
        return sorted({*self._operations, *(["HEAD"] if "GET" in self._operations else [])})

    async def _run(self, operation: Operation, request: Request, arrived: arrival.Arrival) -> Response:
        now = self._desk.now()
        with translated():
            caller = await identify(request, self._desk, arrived, now)
        try:
            _let_in(operation, caller, request, self._desk.issuer)
            call = await self._call(operation, request, arrived, caller, now)
            with translated():
                answer = await self._work(operation, call)
        except errors.ConsoleError as refusal:
            if caller is not None and (refusal.audited or (operation.mutates and _hidden(refusal))):
                where = f"{operation.method} {ROOT}{operation.path}"
                with translated():
                    await transactions.record_refusal(
                        self._desk.database, caller.actor, refusal, where, request.path_params, now
                    )
            raise
        return _response(operation, answer, arrived)

    async def _call(
        self,
        operation: Operation,
        request: Request,
        arrived: arrival.Arrival,
        caller: Caller | None,
        now: int,
    ) -> Call:
        path = dict(request.path_params)
        for name, value in path.items():
            if name.endswith("Id") and not ID.fullmatch(value):
                raise errors.NotFound(f"{name} has no id's form")
        return Call(
            desk=self._desk,
            arrival=arrived,
            actor=caller.actor if caller else None,
            session_or_none=None,
            path=path,
            query=_query(operation, request),
            body=await _body(operation, request),
            address=f"{self._desk.issuer}{ROOT}{operation.path.format_map(path)}",
            parameters=dict(request.query_params),
            now=now,
        )

    async def _work(self, operation: Operation, call: Call) -> Answer:
        async def handle(session: AsyncSession) -> Answer:
            return await operation.handler(call.within(session))

        if operation.work is Work.NONE:
            return await operation.handler(call)
        if operation.work is Work.READ:
            return await transactions.read(self._desk.database, handle)
        return await transactions.write(self._desk.database, handle)


def _hidden(refusal: errors.ConsoleError) -> bool:
    """An act on what is absent or another organisation's. Both are recorded, so that neither takes longer (Z2)."""
    return isinstance(refusal, errors.NotFound)


def _let_in(operation: Operation, caller: Caller | None, request: Request, issuer: str) -> None:
    if operation.door is not Door.OPEN and caller is None:
        raise errors.NotSignedIn("no session, no token")
    if caller is not None and operation.mutates:
        caller.refuse_cross_site(request, issuer)
    if operation.door is Door.OPERATOR and caller is not None:
        demand_operator(caller.actor)


def _query(operation: Operation, request: Request) -> BaseModel:
    pairs = request.query_params.multi_items()
    values = dict(pairs)
    known = {field.alias or name for name, field in operation.query.model_fields.items()}
    if len(values) != len(pairs) or not values.keys() <= known:
        raise errors.UnknownParameter("unknown or repeated")
    try:
        return operation.query.model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        raise errors.UnknownParameter("value", fields=faults_of(error)) from error


async def _body(operation: Operation, request: Request) -> BaseModel | None:
    if operation.takes is None:
        async for chunk in request.stream():
            if chunk:
                raise errors.Unreadable("a body where none is taken")
        return None
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" or request.headers.get("content-encoding", "identity") != "identity":
        raise errors.UnsupportedMedia(media[:100])
    value = parse(await collect(request.stream()))
    try:
        return operation.takes.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        raise errors.Invalid("body", fields=faults_of(error)) from error


def _response(operation: Operation, answer: Answer, arrived: arrival.Arrival) -> Response:
    headers = {"Cache-Control": "no-store", "Request-Id": arrived.request_id}
    if answer.location is not None:
        headers["Location"] = answer.location
    if answer.body is None:
        return Response(status_code=operation.status, headers=headers)
    if isinstance(answer.body, BaseModel):
        content: bytes = answer.body.model_dump_json(by_alias=True).encode()
    else:
        content = problem.dump(answer.body)
    return Response(content, operation.status, headers, media_type="application/json")
