"""Usage figures and the audit log."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from pydantic import ConfigDict, Field, StringConstraints

from console.errors import FieldFault, UnknownParameter
from console.management.operation import Answer, Call
from console.management.paging import Link, Listing, PageQuery, listing
from console.management.shapes import Shape, Timestamp, timestamp
from console.services import audit, periods, usage
from console.services.usage import Figure
from storage.audit import Entry

IsoDate = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$"), Field(examples=["2026-01-01"])]
OrganisationId = Annotated[str, StringConstraints(pattern=r"^org_[0-9a-f]{32}$")]
AppId = Annotated[str, StringConstraints(pattern=r"^app_[0-9a-f]{32}$")]
GROUPING = "|".join(usage.GROUPS)


class UsageQuery(PageQuery):
    """Days are Swedish calendar days, both included; the present month by default."""

    organisation_id: OrganisationId | None = None
    app_id: AppId | None = None
    start: Annotated[IsoDate | None, Field(alias="from")] = None
    end: Annotated[IsoDate | None, Field(alias="to")] = None
    group_by: Annotated[str, StringConstraints(pattern=rf"^({GROUPING})(,({GROUPING}))*$", max_length=80)] = (
        "api"
    )


class FigureShape(Shape):
    organisation_id: str
    app_id: str | None
    api: str | None
    operation: str | None
    outcome: str | None
    subscription_id: str | None
    at: Timestamp | None
    units: int
    calls: int


class FigureListing(Listing[FigureShape]):
    pass


class AuditQuery(Shape):
    """Newest first; `beforeSeq` is the last number of the page before."""

    model_config = ConfigDict(strict=False)

    organisation_id: OrganisationId | None = None
    before_seq: Annotated[int | None, Field(ge=1, le=2**62)] = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class EntryShape(Shape):
    seq: int
    at: Timestamp
    actor_kind: str
    actor_id: str
    act: str
    object_kind: str
    object_id: str
    organisation_id: str | None
    request_id: str
    ip: str
    before: str | None
    after: str | None
    hash: str


class AuditMeta(Shape):
    limit: int
    count: int


class AuditListing(Shape):
    items: list[EntryShape]
    meta: Annotated[AuditMeta, Field(alias="_meta")]
    links: Annotated[list[Link], Field(alias="_links")]


class VerifiedShape(Shape):
    entries: int
    first_bad: int | None
    intact: bool


async def figures(call: Call) -> Answer:
    query = call.query_as(UsageQuery)
    period = periods.read(query.start, query.end, call.now)
    if period is None:
        raise UnknownParameter("period", fields=[_wrong_period()])
    by = tuple(query.group_by.split(","))
    if query.organisation_id is not None:
        rows = await usage.figures(
            call.session, call.person, query.organisation_id, period, by=by, app_id=query.app_id
        )
    elif call.person.operator and query.app_id is None:
        rows = await usage.platform(call.session, call.person, period, by=by)
    else:
        raise UnknownParameter("organisationId", fields=[_missing("organisationId")])
    shown = [_figure(row) for row in rows]
    return Answer(listing(FigureListing, shown, query, call.address, call.parameters))


async def entries(call: Call) -> Answer:
    query = call.query_as(AuditQuery)
    if query.organisation_id is not None:
        rows = await audit.of_organisation(
            call.session,
            call.person,
            query.organisation_id,
            limit=query.limit,
            before_seq=query.before_seq,
        )
    elif call.person.operator:
        rows = await audit.latest(call.session, call.person, limit=query.limit, before_seq=query.before_seq)
    else:
        raise UnknownParameter("organisationId", fields=[_missing("organisationId")])
    links = [Link(rel="self", href=_with(call, {}))]
    if len(rows) == query.limit:
        links.append(Link(rel="next", href=_with(call, {"beforeSeq": str(rows[-1].seq)})))
    return Answer(
        AuditListing(
            items=[_entry(row) for row in rows],
            meta=AuditMeta(limit=query.limit, count=len(rows)),
            links=links,
        )
    )


async def verify(call: Call) -> Answer:
    found = await audit.verify(call.session, call.person)
    return Answer(
        VerifiedShape(entries=found.count, first_bad=found.first_bad, intact=found.first_bad is None)
    )


def _with(call: Call, changed: dict[str, str]) -> str:
    parameters = {**call.parameters, **changed}
    return f"{call.address}?{urlencode(parameters)}" if parameters else call.address


def _figure(row: Figure) -> FigureShape:
    return FigureShape(
        organisation_id=row.organisation_id,
        app_id=row.app_id,
        api=row.api,
        operation=row.operation,
        outcome=row.outcome,
        subscription_id=row.subscription_id,
        at=None if row.at is None else timestamp(row.at),
        units=row.units,
        calls=row.calls,
    )


def _entry(row: Entry) -> EntryShape:
    return EntryShape(
        seq=row.seq,
        at=timestamp(row.at),
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        act=row.act,
        object_kind=row.object_kind,
        object_id=row.object_id,
        organisation_id=row.organisation_id,
        request_id=row.request_id,
        ip=row.ip,
        before=row.before,
        after=row.after,
        hash=row.hash,
    )


def _missing(name: str) -> FieldFault:
    return FieldFault(name, "missing", "Parametern behövs.", "The parameter is needed.")


def _wrong_period() -> FieldFault:
    return FieldFault(
        "from",
        "wrong-period",
        "Ange två datum i ordning med högst 400 dagar emellan.",
        "Give two dates in order with at most 400 days between.",
    )
