"""Forms held against the schema of their media type: `application/x-www-form-urlencoded` and `multipart/form-data`.

Owns which fields a schema describes, what their texts mean and how many there may be (OpenAPI 3.1, Encoding Object).
A file's content is not looked at: it passes as it comes, however large the operation lets a body be. Texts are kept
until the form is whole, within the bound for JSON. How a body is cut into parts is in `multipart`.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import jsonschema_rs

from gateway.catalog.openapi.references import resolved
from gateway.edge.errors import EdgeFault, LineFailed
from gateway.validation import json_text, media
from gateway.validation.errors import InvalidForm
from gateway.validation.faults import LISTED_VALUES, MOST_FAULTS, Fault, of_errors, shown
from gateway.validation.multipart import NotAForm, Part, Reader
from gateway.validation.styles import NotWritten, pairs_of
from gateway.validation.tally import Note
from gateway.validation.texts import ALL, readings, shape_of, types_of

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
MOST_FIELDS: Final = 1000  # fields or parts of one form
TEXT: Final = frozenset(("string",))  # what a text is where the schema says nothing
# Notations in which a field's name is not the member's, or its text holds several: such a form is not judged.
_UNREAD: Final = ("style", "explode", "allowReserved")
_DEEPEST: Final = 8

_log = logging.getLogger("sluss.validation")


class Kind(Enum):
    """What the text of a field is."""

    TEXT = "text"
    JSON = "json"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Member:
    """`types` are those of one text; `accepted` the media types a part of it may have, empty for the usual ones."""

    kind: Kind
    listed: bool = False
    types: frozenset[str] = TEXT
    accepted: tuple[str, ...] = ()


FILE: Final = Member(Kind.FILE)


@dataclass(frozen=True, slots=True)
class Form:
    """`members` by name; what the schema does not name is a text, or a file when it comes as one."""

    members: Mapping[str, Member]
    other: Member
    validator: jsonschema_rs.Draft202012Validator
    document: object

    def member(self, name: str, part: Part | None = None) -> Member:
        known = self.members.get(name)
        if known is not None:
            return known
        return FILE if part is not None and part.is_file else self.other

    def urlencoded(self, data: bytes, bounds: json_text.Bounds) -> list[Fault]:
        """Every fault of a whole body."""
        gathered = Gathered(self, bounds)
        try:
            if not data.isascii():
                raise NotWritten
            pairs = pairs_of(data)
        except NotWritten:
            return [Fault("body", "malformed-form")]
        if len(pairs) > MOST_FIELDS:
            return [Fault("body", "too-many-fields", values=(str(MOST_FIELDS),))]
        for name, text in pairs:
            gathered.add(name, self.member(name), text.encode())
        return gathered.judged()


class Gathered:
    """The fields of one form, as they come."""

    def __init__(self, form: Form, bounds: json_text.Bounds) -> None:
        self._form = form
        self._bounds = bounds
        self._values: dict[str, list[Any]] = {}
        self._size = 0
        self.faults: list[Fault] = []

    def add(self, name: str, member: Member, content: bytes) -> None:
        """One field. A file's content is empty here: it is not kept."""
        pointer = shown([name])
        values = self._values.setdefault(name, [])
        try:
            if member.kind is Kind.JSON:
                self._size += json_text.values_in(content)
                values.append(json_text.read(content, self._bounds))
            elif member.kind is Kind.FILE:
                values.append("")
            else:
                values.append(readings(content.decode("utf-8"), member.types)[0])
        except json_text.JsonFault as fault:
            self.faults.append(Fault("body", fault.code, pointer=pointer, values=fault.values))
        except UnicodeDecodeError:
            self.faults.append(Fault("body", "not-utf8", pointer=pointer))
        if len(values) > 1 and not member.listed:
            self.faults.append(Fault("body", "repeated-name", pointer=pointer))

    def judged(self) -> list[Fault]:
        """Every fault, once all of it is here."""
        form = self._form
        value = {
            name: values if form.member(name).listed else values[0]
            for name, values in self._values.items()
            if values
        }
        if form.validator.is_valid(value):
            return self.faults
        errors = form.validator.iter_errors(value)
        if self._size > LISTED_VALUES:
            errors = itertools.islice(errors, 1)
        unread = {fault.pointer for fault in self.faults}
        files = {shown([name]) for name, member in form.members.items() if member.kind is Kind.FILE}
        for fault in of_errors(errors, form.document, "body"):
            at = "/" + fault.pointer.split("/", 2)[1] if fault.pointer else ""
            if at not in unread and (at not in files or fault.code == "required"):
                self.faults.append(fault)
        return self.faults


class Inspection:
    """One multipart body on its way to the service: called with each piece before that goes on. `limit` in bytes,
    of all texts together. The service never gets the end of a form that is refused.
    """

    def __init__(
        self, form: Form, boundary: str, bounds: json_text.Bounds, limit: int, enforce: bool, note: Note
    ) -> None:
        self._form = form
        self._gathered = Gathered(form, bounds)
        self._reader = Reader(boundary, self._begin, self._content, self._end)
        self._limit = self._left = limit
        self._enforce = enforce
        self._note = note
        self._parts = 0
        self._part: Part | None = None
        self._texts: list[bytes] = []
        self._over = False

    def __call__(self, content: bytes, complete: bool) -> EdgeFault | None:
        if self._over:
            return None
        try:
            self._reader.feed(content)
            if not complete:
                return None
            self._reader.finish()
            return self._verdict(self._gathered.judged())
        except NotAForm as fault:
            return self._verdict([*self._gathered.faults, Fault("body", fault.code, values=fault.values)])
        except Exception:  # of the library or ours: the call must come to an end all the same
            _log.exception("a form could not be judged")
            self._over = True
            if self._enforce:
                return LineFailed("judging a form")
            self._note.unjudged()
            return None

    def _begin(self, part: Part) -> None:
        self._parts += 1
        if self._parts > MOST_FIELDS:
            raise NotAForm("too-many-fields", str(MOST_FIELDS))
        self._part = part
        self._texts = []
        fault = _kind_fault(part, self._form.member(part.name, part))
        if fault is not None and len(self._gathered.faults) < MOST_FAULTS:
            self._gathered.faults.append(fault)

    def _content(self, content: bytes) -> None:
        assert self._part is not None
        if self._form.member(self._part.name, self._part).kind is Kind.FILE:
            return
        self._left -= len(content)
        if self._left < 0:
            raise NotAForm("fields-too-large", str(self._limit))
        self._texts.append(content)

    def _end(self) -> None:
        assert self._part is not None
        name = self._part.name
        self._gathered.add(name, self._form.member(name, self._part), b"".join(self._texts))
        self._texts = []

    def _verdict(self, found: list[Fault]) -> EdgeFault | None:
        self._over = True
        if not found:
            return None
        self._note.faults(found, told=not self._enforce)
        return InvalidForm(found) if self._enforce else None


def _kind_fault(part: Part, member: Member) -> Fault | None:
    """A part of another kind than the document says (RFC 7578, 4.4: what says nothing is text/plain)."""
    pointer = shown([part.name])
    kind = part.media
    if member.accepted:
        name = kind.name if kind is not None else "text/plain"
        if media.matching(name, member.accepted) is None:
            return Fault("body", "part-type", pointer=pointer, values=(", ".join(member.accepted),))
    elif kind is not None and member.kind is Kind.JSON and not kind.is_json:
        return Fault("body", "part-type", pointer=pointer, values=("application/json",))
    elif kind is not None and member.kind is Kind.TEXT and kind.name != "text/plain":
        return Fault("body", "part-type", pointer=pointer, values=("text/plain",))
    charset = kind.parameters.get("charset", "utf-8").lower() if kind is not None else "utf-8"
    if member.kind is not Kind.FILE and charset not in ("utf-8", "us-ascii"):
        return Fault("body", "charset", pointer=pointer)
    return None


def form_of(
    media_type: Mapping[str, Any],
    validator: jsonschema_rs.Draft202012Validator,
    document: Mapping[str, Any],
) -> Form | None:
    """Of an OpenAPI Media Type Object with a schema; None where its notation is not read here."""
    encodings: Mapping[str, Any] = media_type.get("encoding", {})
    if any(word in encoding for encoding in encodings.values() for word in _UNREAD):
        return None
    shape = shape_of(media_type["schema"], document)
    properties, others = _properties(media_type["schema"], document)
    if others is None:
        return None
    members: dict[str, Member] = {}
    for name, schema in properties.items():
        inner = shape.member(name)
        listed = inner.may_be("array")
        types = inner.items if listed else inner.types
        accepted = str(encodings.get(name, {}).get("contentType", "")).split(",")
        members[name] = Member(
            _kind(resolved(dict(document), schema), types, document, listed=listed),
            listed,
            TEXT if types == ALL else types,
            tuple(each.strip() for each in accepted if each.strip()),
        )
    types = types_of(others, document)
    return Form(members, Member(Kind.TEXT, types=TEXT if types == ALL else types), validator, document)


def _properties(schema: Any, document: Mapping[str, Any], depth: int = 0) -> tuple[dict[str, Any], Any]:
    """By name, those of the schema's parts among them; and what others are, None where that hangs on their names."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {}, True
    whole = resolved(dict(document), schema)
    found: dict[str, Any] = {}
    others: Any = None if "patternProperties" in whole else whole.get("additionalProperties", True)
    for word in ("allOf", "anyOf", "oneOf"):
        for part in whole.get(word, ()):
            below, beside = _properties(part, document, depth + 1)
            found |= below
            others = beside if beside is None or isinstance(beside, dict) else others
    return found | whole.get("properties", {}), others


def _kind(schema: Any, types: frozenset[str], document: Mapping[str, Any], *, listed: bool) -> Kind:
    if not isinstance(schema, dict):
        return Kind.TEXT
    if listed:
        return _kind(resolved(dict(document), schema.get("items", {})), types, document, listed=False)
    if schema.get("format") == "binary" or ("contentMediaType" in schema and "contentEncoding" not in schema):
        return Kind.FILE
    if types == ALL:
        return Kind.FILE if not schema else Kind.TEXT
    return Kind.JSON if types & {"object", "array"} and not types & {"string"} else Kind.TEXT
