"""One broken rule each: where, which, and a sentence about it in two languages.

Owns the codes and sentences. A sentence names what the document demands and never what was sent: a value may
be a person's. Names are shown when they look like names; a map's key may be a personal number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jsonschema_rs

from gateway.catalog.openapi.references import find
from gateway.catalog.source.document import escape, pointer_of

MOST_FAULTS: Final = 50
# Above so many values only the first fault of a body is told: the library lists all or one, and each costs 10 µs.
LISTED_VALUES: Final = 1000
_LONGEST: Final = 200  # characters of what the document demands, in a sentence
_NAME: Final = re.compile(r"(?!.*[0-9]{6})[A-Za-z_$@][A-Za-z0-9_$@.:-]{0,63}")

# Code → Swedish, English. {0} and {1} are the document's own figures and words.
SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "required": ("Måste anges.", "Must be given."),
    "type": ("Ska vara {0}.", "Must be {0}."),
    "enum": ("Ska vara något av {0}.", "Must be one of {0}."),
    "const": ("Ska vara {0}.", "Must be {0}."),
    "pattern": ("Ska följa mönstret {0}.", "Must match the pattern {0}."),
    "format": ("Ska ha formen {0}.", "Must have the format {0}."),
    "min-length": ("Ska ha minst {0} tecken.", "Must have at least {0} characters."),
    "max-length": ("Får ha högst {0} tecken.", "May have at most {0} characters."),
    "minimum": ("Får inte vara mindre än {0}.", "Must not be less than {0}."),
    "maximum": ("Får inte vara större än {0}.", "Must not be more than {0}."),
    "exclusive-minimum": ("Ska vara större än {0}.", "Must be more than {0}."),
    "exclusive-maximum": ("Ska vara mindre än {0}.", "Must be less than {0}."),
    "multiple-of": ("Ska vara en multipel av {0}.", "Must be a multiple of {0}."),
    "min-items": ("Ska ha minst {0} värden.", "Must have at least {0} items."),
    "max-items": ("Får ha högst {0} värden.", "May have at most {0} items."),
    "unique-items": ("Samma värde får inte stå två gånger.", "The same item must not stand twice."),
    "contains": ("Saknar ett värde som måste finnas.", "Lacks an item that must be there."),
    "min-properties": ("Ska ha minst {0} namn.", "Must have at least {0} members."),
    "max-properties": ("Får ha högst {0} namn.", "May have at most {0} members."),
    "unknown-name": ("Namnet är inte känt här.", "This name is not known here."),
    "property-names": ("Ett namn har fel form.", "A name has the wrong form."),
    "not-allowed": ("Får inte anges.", "Must not be given."),
    "no-alternative": (
        "Stämmer inte med någon av de former som är tillåtna.",
        "Fits none of the forms that are allowed.",
    ),
    "several-alternatives": (
        "Stämmer med flera former som utesluter varandra.",
        "Fits several forms that exclude each other.",
    ),
    "too-complex": ("Går inte att pröva mot mönstret.", "Cannot be tried against the pattern."),
    "schema": ("Följer inte schemat ({0}).", "Does not follow the schema ({0})."),
    # parameters
    "unknown-parameter": ("Parametern är inte känd här.", "This parameter is not known here."),
    "repeated-parameter": ("Får anges en gång.", "May be given once."),
    "malformed-parameter": (
        "Är inte skriven så som dokumentet säger ({0}).",
        "Is not written the way the document says ({0}).",
    ),
    # the text of a body, or of a parameter with JSON in it
    "not-json": (
        "Är inte JSON: felet står på rad {0}, tecken {1}.",
        "Is not JSON: the fault is on line {0}, character {1}.",
    ),
    "repeated-name": ("Ett namn står två gånger i samma objekt.", "A name stands twice in one object."),
    "not-a-number": ("NaN och Infinity är inte JSON.", "NaN and Infinity are not JSON."),
    "number-too-large": (
        "Ett tal är större än vad alla läsare klarar.",
        "A number is larger than every reader can hold.",
    ),
    "half-character": (
        "En text har ett halvt teckenpar (\\ud800–\\udfff).",
        "A text has half a surrogate pair (\\ud800–\\udfff).",
    ),
    # forms
    "malformed-form": (
        "Är inget formulär som alla läsare förstår lika.",
        "Is not a form that every reader understands alike.",
    ),
    "boundary": (
        "Content-Type ska ha en boundary med 1–{0} tecken.",
        "Content-Type must have a boundary of 1–{0} characters.",
    ),
    "part-name": (
        "Varje del ska ha Content-Disposition: form-data med ett enda name.",
        "Each part must have Content-Disposition: form-data with a single name.",
    ),
    "part-type": ("Delens Content-Type ska vara {0}.", "The part's Content-Type must be {0}."),
    "too-many-fields": ("Har fler än {0} fält.", "Has more than {0} fields."),
    "fields-too-large": (
        "Fälten utom filer är tillsammans större än {0} byte.",
        "The fields but for files are larger than {0} bytes together.",
    ),
    "byte-order-mark": (
        "Börjar med en byteordningsmarkering; ta bort den.",
        "Begins with a byte order mark; remove it.",
    ),
    "not-utf8": ("Är inte UTF-8.", "Is not UTF-8."),
    "too-deep": ("Är djupare än {0} nivåer.", "Is deeper than {0} levels."),
    "too-many-values": ("Har fler än {0} värden.", "Has more than {0} values."),
    # bodies
    "body-missing": ("En kropp måste skickas.", "A body must be sent."),
    "body-unexpected": ("Operationen tar ingen kropp.", "The operation takes no body."),
    "content-type-missing": ("Content-Type måste anges: {0}.", "Content-Type must be given: {0}."),
    "content-type": ("Content-Type ska vara {0}.", "Content-Type must be {0}."),
    "charset": ("Teckenkodningen ska vara utf-8.", "The charset must be utf-8."),
    "accept": ("Svar finns som {0}.", "Answers exist as {0}."),
    # answers
    "status": ("Svarets status står inte i dokumentet.", "The status of the answer is not in the document."),
}  # fmt: skip

_KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "string": ("text", "text"), "integer": ("ett heltal", "an integer"), "number": ("ett tal", "a number"),
    "boolean": ("true eller false", "true or false"), "array": ("en lista", "a list"),
    "object": ("ett objekt", "an object"), "null": ("null", "null"),
}  # fmt: skip
_CODES: Final[Mapping[str, str]] = {
    "additionalProperties": "unknown-name", "unevaluatedProperties": "unknown-name", "falseSchema": "not-allowed",
    "not": "not-allowed", "anyOf": "no-alternative", "backtrackLimitExceeded": "too-complex",
    "regexEngineFailure": "too-complex", "additionalItems": "max-items", "unevaluatedItems": "max-items",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """`place` is path, query, header, cookie or body; `name` a parameter's; `pointer` leads into its value."""

    place: str
    code: str
    name: str = ""
    pointer: str = ""
    values: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()  # JSON types, named in the reader's language

    def sentence(self, language: str) -> str:
        which = 1 if language == "en" else 0
        named = (_join([_KINDS[kind][which] for kind in self.kinds], which),) if self.kinds else self.values
        return SENTENCES[self.code][which].format(*named)

    def listed(self, language: str) -> dict[str, str]:
        """As it stands in a problem document."""
        made = {"in": self.place}
        if self.name:
            made["name"] = self.name
        if self.pointer or self.place == "body":
            made["pointer"] = self.pointer
        return made | {"code": self.code, "detail": self.sentence(language)}


def _join(words: list[str], which: int) -> str:
    return (" eller ", " or ")[which].join(words)


def of_errors(
    errors: Iterable[jsonschema_rs.ValidationError], document: object, place: str, name: str = ""
) -> Iterator[Fault]:
    """The library's errors as faults. `document` is the one the schemas stand in."""
    for error in errors:
        yield from _of_error(error, document, place, name)


def _of_error(
    error: jsonschema_rs.ValidationError, document: object, place: str, name: str
) -> Iterator[Fault]:
    kind = error.kind
    path = list(error.instance_path)
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        yield Fault(place, "required", name, shown(path) + pointer_of(kind.property))
    elif isinstance(
        kind,
        jsonschema_rs.ValidationErrorKind.AdditionalProperties
        | jsonschema_rs.ValidationErrorKind.UnevaluatedProperties,
    ):
        for unexpected in kind.unexpected[:MOST_FAULTS]:
            yield Fault(place, "unknown-name", name, shown([*path, unexpected]))
    elif isinstance(
        kind, jsonschema_rs.ValidationErrorKind.AnyOf | jsonschema_rs.ValidationErrorKind.OneOfNotValid
    ):
        branch = _likely(error, kind.context, document)
        if branch is None:
            yield Fault(place, "no-alternative", name, shown(path))
        else:
            yield from of_errors(branch, document, place, name)
    elif list(error.schema_path)[-1:] == ["additionalProperties"]:
        yield Fault(place, "unknown-name", name, shown(path))
    else:
        yield _plain(kind, Fault(place, "", name, shown(path)))


def _plain(kind: jsonschema_rs.ValidationErrorKind, at: Fault) -> Fault:
    """What is one fault with at most one figure."""
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.OneOfMultipleValid):
        return Fault(at.place, "several-alternatives", at.name, at.pointer)
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Type):
        return Fault(at.place, "type", at.name, at.pointer, kinds=tuple(sorted(kind.types)))
    word = kind.name
    code = _CODES.get(word) or re.sub("([A-Z])", lambda match: f"-{match.group(1).lower()}", word)
    if code not in SENTENCES:
        return Fault(at.place, "schema", at.name, at.pointer, (word,))
    if code == "enum":
        options = ", ".join(_word(option) for option in kind.value)
        return Fault(at.place, code, at.name, at.pointer, (_cut(options),))
    return Fault(at.place, code, at.name, at.pointer, (_cut(_word(kind.value)),))


def _word(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower().replace("none", "null")
    return str(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def shown(path: Iterable[str | int]) -> str:
    """A pointer to the value. A key that does not look like a name is not repeated."""
    return "".join(f"/{step}" if isinstance(step, int) else f"/{escape(shown_name(step))}" for step in path)


def shown_name(name: str) -> str:
    """A name that the client may have made up, or an ellipsis when it does not look like one."""
    return name if _NAME.fullmatch(name) else "…"


def _likely(
    error: jsonschema_rs.ValidationError, context: list[list[jsonschema_rs.ValidationError]], document: object
) -> list[jsonschema_rs.ValidationError] | None:
    """The form that was probably meant: the one the discriminator names, else the one that comes closest."""
    chosen = _discriminated(error, document)
    if chosen is not None and chosen < len(context):
        return context[chosen]
    here = list(error.instance_path)
    near = [
        branch
        for branch in context
        if branch
        and not any(
            each.kind.name in ("type", "const", "enum")
            and list(each.instance_path)[: len(here) + 1] == each.instance_path
            for each in branch
        )
    ]
    return near[0] if len(near) == 1 else None


def _discriminated(error: jsonschema_rs.ValidationError, document: object) -> int | None:
    """The number of the alternative that the value itself names (OpenAPI, Discriminator Object)."""
    try:
        schema = find(document, "#" + pointer_of(*error.schema_path[:-1]))
        discriminator = schema["discriminator"]
        named = error.instance[discriminator["propertyName"]]  # type: ignore[index]  # LookupError or TypeError
        mapping = discriminator.get("mapping", {})
        references = [str(each.get("$ref", "")) for each in schema[error.schema_path[-1]]]
    except (LookupError, TypeError, AttributeError):
        return None
    wanted = mapping.get(named, named) if isinstance(named, str) else ""
    return next(
        (
            number
            for number, each in enumerate(references)
            if wanted and wanted in (each, each.rpartition("/")[2])
        ),
        None,
    )
