"""One operation's requests held against its document: `log` counts what is wrong, `enforce` refuses it.

Owns the order of judging: the head first, then the body. JSON and short forms are gathered, within a bound; a form
with files is judged as it passes. What else a body may be is judged by its Content-Type alone and streams on untouched.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jsonschema_rs

from gateway.access_log import Place
from gateway.edge.errors import BodyTooLarge, EdgeFault, LineFailed, TooManyBodies
from gateway.edge.exchange import Exchange
from gateway.edge.request import Request
from gateway.trace import Trace
from gateway.validation import json_text, media
from gateway.validation.errors import InvalidCall, InvalidRequest, NotAcceptable, UnsupportedContentType
from gateway.validation.faults import LISTED_VALUES, MOST_FAULTS, Fault, of_errors
from gateway.validation.forms import MULTIPART, Form, Inspection
from gateway.validation.multipart import NotAForm, boundary_of
from gateway.validation.parameters import Parameters
from gateway.validation.tally import REQUEST, Note, Tally

_log = logging.getLogger("sluss.validation")

Refused = InvalidCall | EdgeFault
Judged = Refused | None
Done = Callable[[Judged], None]


@dataclass(frozen=True, slots=True)
class Content:
    """One kind of body. `validator` is None where any text of the kind will do."""

    name: str
    validator: jsonschema_rs.Draft202012Validator | None
    document: object
    form: Form | None = None
    boundary: str = ""

    def faults(self, data: bytes, bounds: json_text.Bounds) -> tuple[list[Fault], bool]:
        """Of a JSON text or a form without files; True when there may be more of them."""
        if self.form is not None:
            return self.form.urlencoded(data, bounds), False
        try:
            value = json_text.read(data, bounds)
        except json_text.JsonFault as fault:
            return [Fault("body", fault.code, values=fault.values)], True
        validator = self.validator
        if validator is None or validator.is_valid(value):
            return [], False
        if json_text.values_in(data) <= LISTED_VALUES:
            found = list(of_errors(validator.iter_errors(value), self.document, "body"))
            return found[:MOST_FAULTS], len(found) > MOST_FAULTS
        try:
            validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            return list(of_errors([error], self.document, "body")), True
        return [], False


@dataclass(frozen=True, slots=True)
class Body:
    """What the operation takes; `contents` by media range."""

    required: bool
    contents: Mapping[str, Content]


@dataclass(frozen=True, slots=True)
class RequestCheck:
    """`body` is None where the document declares none. `limit` in bytes, of a JSON body."""

    enforce: bool
    parameters: Parameters
    body: Body | None
    offered: Sequence[str]  # media types of the good answers
    limit: int
    bounds: json_text.Bounds

    def judge(self, exchange: Exchange, path: str, note: Note, done: Done) -> None:
        """`path` is what follows the API's base. `done` gets the refusal, or None; once, now or later."""
        request = exchange.request
        found = list(self.parameters.faults(path, request.query, request.fields, request.cookies or ()))
        if self.offered and media.preferred(request.accept, self.offered) is None:
            found.append(Fault("header", "accept", "Accept", values=(", ".join(self.offered),)))
        content, unfit = self._content(request)
        if unfit is not None:
            found.append(unfit)
        judged = content is not None and (content.form is not None or media.is_json(content.name))
        if content is None or not judged or (found and request.expect_continue):
            return done(self._verdict(found, note))
        limit = self.limit
        if content.boundary and content.form is not None:
            inspection = Inspection(content.form, content.boundary, self.bounds, limit, self.enforce, note)
            exchange.inspect(inspection)
            return done(self._verdict(found, note))
        if not self.enforce and request.length is not None and request.length > limit:
            note.unjudged()
            return done(self._verdict(found, note))
        return exchange.collect(limit, partial(self._collected, content, found, note, done))

    def decide(self, path: str, query: bytes, note: Note) -> InvalidCall | None:
        """What can be judged when only method and target are known."""
        return self._verdict(list(self.parameters.faults(path, query, None, ())), note)

    def _content(self, request: Request) -> tuple[Content | None, Fault | None]:
        """Which kind of body this is, or what is wrong with its being here."""
        body = self.body
        if not request.has_body:
            missing = body is not None and body.required
            return None, Fault("body", "body-missing") if missing else None
        if body is None:
            return None, Fault("body", "body-unexpected")
        accepted = (", ".join(body.contents),)
        values = request.fields(b"content-type")
        if not values:
            return None, Fault("header", "content-type-missing", "Content-Type", values=accepted)
        kind = media.parse(values[0]) if len(values) == 1 else None
        fitting = media.matching(kind.name, body.contents) if kind is not None else None
        if kind is None or fitting is None:
            return None, Fault("header", "content-type", "Content-Type", values=accepted)
        if kind.is_json and kind.parameters.get("charset", "utf-8").lower() != "utf-8":
            return None, Fault("header", "charset", "Content-Type")
        content, boundary = body.contents[fitting], ""
        if kind.name == MULTIPART and content.form is not None:
            try:
                boundary = boundary_of(kind)
            except NotAForm as fault:
                return None, Fault("header", fault.code, "Content-Type", values=fault.values)
        return Content(kind.name, content.validator, content.document, content.form, boundary), None

    def _collected(
        self, content: Content, found: list[Fault], note: Note, done: Done, body: bytes | EdgeFault
    ) -> None:
        cut = False
        if isinstance(body, EdgeFault):
            if self.enforce or not isinstance(body, BodyTooLarge | TooManyBodies):
                return done(body)
            note.unjudged()
        elif body:
            try:
                faults, cut = content.faults(body, self.bounds)
            except Exception:  # of the library or ours: the call must come to an end all the same
                _log.exception("a body could not be judged")
                if self.enforce:
                    return done(LineFailed("judging a body"))
                faults = []
                note.unjudged()
            found.extend(faults)
        elif self.body is not None and self.body.required:
            found.append(Fault("body", "body-missing"))
        return done(self._verdict(found, note, cut=cut))

    def _verdict(self, found: Sequence[Fault], note: Note, *, cut: bool = False) -> InvalidCall | None:
        if not found:
            return None
        note.faults(found, told=not self.enforce)
        if not self.enforce:
            return None
        codes = {fault.code for fault in found}
        if codes & {"content-type", "content-type-missing", "charset"} and self.body is not None:
            return UnsupportedContentType(found, tuple(self.body.contents))
        if codes == {"accept"}:
            return NotAcceptable(found)
        return InvalidRequest(found, cut=cut)


class Asked(NamedTuple):
    """Which call is judged. `path` is what follows the API's base; `deciding`: no more than this is known of it."""

    environment: str
    path: str
    query: bytes
    deciding: bool


@dataclass(frozen=True, slots=True)
class RequestChecks:
    """The checks of one operation by environment: examples are strict where a service may be lenient."""

    by_environment: Mapping[str, RequestCheck]
    place: Place

    def judge(self, asked: Asked, exchange: Exchange, tally: Tally, trace: Trace, done: Done) -> None:
        """`done` gets the refusal, or None; once, now or later."""
        check = self.by_environment.get(asked.environment)
        if check is None:
            return done(None)
        note = Note(tally, self.place, trace, REQUEST)
        if asked.deciding:
            return done(check.decide(asked.path, asked.query, note))
        return check.judge(exchange, asked.path, note, done)
