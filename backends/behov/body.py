"""Bodies of requests: read, bounded and judged against the schemas of openapi.yaml, all faults at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from starlette.requests import Request

from backends.behov.lifecycle import EVENTS
from backends.behov.store import AREAS
from backends.serving import Problem, body_of

LARGEST_BODY = 64 * 1024
_EMAIL = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\"]{1,189}")

Fault = tuple[str, str]


async def object_of(request: Request) -> dict[str, Any]:
    """The JSON object in the body. Wrong media type 415, too large 413, not JSON 400, not an object 422."""
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(415, "Send application/json.", "unsupported-media-type")
    content = await body_of(request, LARGEST_BODY)
    try:
        value = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "The body is not JSON in UTF-8.", "not-json") from error
    if not isinstance(value, dict):
        raise _unprocessable([("", "must be an object")])
    return cast(dict[str, Any], value)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _unprocessable(faults: list[Fault]) -> Problem:
    noun = "fault" if len(faults) == 1 else "faults"
    return Problem(422, f"The body has {len(faults)} {noun}.", "unprocessable", faults)


def _text(value: object, pointer: str, most: int) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield pointer, "must be a text"
    elif not value.strip():
        yield pointer, "must not be empty"
    elif len(value) > most:
        yield pointer, f"must be at most {most} characters"
    elif any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        yield pointer, "must be whole characters"


def _localised(value: object, pointer: str) -> Iterator[Fault]:
    if not isinstance(value, dict) or not value:
        yield pointer, "must be an object with sv or en or both"
        return
    for language, text in value.items():
        if language in ("sv", "en"):
            yield from _text(text, f"{pointer}/{language}", 4000)
        else:
            yield f"{pointer}/{_token(language)}", "is not known; only sv and en are"


def _token(name: str) -> str:
    return name[:60].replace("~", "~0").replace("/", "~1")


def _names(value: Mapping[str, Any], required: tuple[str, ...], optional: tuple[str, ...]) -> Iterator[Fault]:
    for name in required:
        if name not in value:
            yield f"/{name}", "is missing"
    for name in value:
        if name not in required and name not in optional:
            yield f"/{_token(name)}", "is not known"


def _one_of(value: object, pointer: str, known: tuple[str, ...]) -> Iterator[Fault]:
    if value not in known:
        yield pointer, f"must be one of {', '.join(known)}"


def new_need(value: dict[str, Any]) -> dict[str, Any]:
    faults = list(_names(value, ("title", "description", "area"), ("unit",)))
    for name in ("title", "description"):
        if name in value:
            faults.extend(_localised(value[name], f"/{name}"))
    if "area" in value:
        faults.extend(_one_of(value["area"], "/area", AREAS))
    if "unit" in value:
        faults.extend(_text(value["unit"], "/unit", 200))
    return _sound(value, faults)


def new_answer(value: dict[str, Any]) -> dict[str, Any]:
    faults = list(_names(value, ("text",), ("contact",)))
    if "text" in value:
        faults.extend(_text(value["text"], "/text", 4000))
    if "contact" in value:
        contact = value["contact"]
        if not isinstance(contact, str) or len(contact) > 254 or not _EMAIL.fullmatch(contact):
            faults.append(("/contact", "must be an e-mail address"))
    return _sound(value, faults)


def new_transition(value: dict[str, Any]) -> dict[str, Any]:
    faults = list(_names(value, ("event", "reason"), ()))
    if "event" in value:
        faults.extend(_one_of(value["event"], "/event", EVENTS))
    if "reason" in value:
        faults.extend(_text(value["reason"], "/reason", 1000))
    return _sound(value, faults)


def _sound(value: dict[str, Any], faults: list[Fault]) -> dict[str, Any]:
    if faults:
        raise _unprocessable(faults[:50])
    return value
