"""One folder with `api.yaml`, `openapi.yaml` and perhaps `overlay.sv.yaml` → one `Api`.

Faults are collected into the list that is passed in; None comes back when there is any error. Whether the
plans exist is asked in `load`, which sees them all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gateway.catalog import policies, timeouts
from gateway.catalog.answers import publication as answers
from gateway.catalog.errors import Fault, Severity
from gateway.catalog.model import (
    Api,
    Contact,
    Family,
    Operation,
    Status,
    Text,
)
from gateway.catalog.openapi import judged, operations, references
from gateway.catalog.source import document, overlay, schema
from gateway.catalog.source.document import Document, pointer_of
from gateway.catalog.upstreams import Upstreams

API_FILE = "api.yaml"
OPENAPI_FILE = "openapi.yaml"
OVERLAY_FILE = "overlay.sv.yaml"
FILES = (API_FILE, OPENAPI_FILE, OVERLAY_FILE)

# First segments of the public port that are not APIs.
RESERVED_IDS = frozenset(
    {
        "portal",
        "console",
        "oauth2",
        "management",
        "decide",
        "catalog",
        "metrics",
        "healthz",
        "readyz",
        "snapshot",
    }
)
_DEFAULT_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Files:
    """The bytes of one folder, not looked at yet, and their digest."""

    folder: Path
    contents: Mapping[str, bytes | Fault]
    digest: str


@dataclass(frozen=True, slots=True)
class Sources:
    """The parsed files of one folder."""

    folder: Path
    api: Document
    openapi: Document
    overlay: Document | None
    digest: str


@dataclass(frozen=True, slots=True)
class Read:
    """What came out of one folder. `sv` has the pointers of all texts that the overlay set; `files` are further
    files it names, found or not, and `beside` the names of those among them that lie in the folder.
    """

    sources: Sources
    api: Api | None
    faults: tuple[Fault, ...]
    sv: frozenset[str] = frozenset()
    files: tuple[Path, ...] = ()
    beside: tuple[str, ...] = ()


def read_files(folder: Path) -> Files:
    names = (API_FILE, OPENAPI_FILE, *((OVERLAY_FILE,) if (folder / OVERLAY_FILE).exists() else ()))
    contents = {name: document.content_of(folder / name) for name in names}
    digest = hashlib.sha256()
    for name, content in contents.items():
        whole = repr(content).encode() if isinstance(content, Fault) else content
        digest.update(b"%s %d\n%s" % (name.encode(), len(whole), whole))
    return Files(folder, contents, digest.hexdigest())


def parse(files: Files) -> Sources:
    """Nothing is judged yet but the YAML."""
    parsed = {name: document.of(files.folder / name, content) for name, content in files.contents.items()}
    return Sources(
        files.folder, parsed[API_FILE], parsed[OPENAPI_FILE], parsed.get(OVERLAY_FILE), files.digest
    )


def _documents(sources: Sources) -> Iterator[tuple[Document, str]]:
    yield sources.api, "api"
    yield sources.openapi, "openapi"
    if sources.overlay is not None:
        yield sources.overlay, "overlay"


def build(sources: Sources, values: Mapping[str, str]) -> Read:
    """Judges the files and makes the `Api`. Never raises."""
    faults: list[Fault] = []
    for each, name in _documents(sources):
        faults.extend(each.faults)
        if not each.faults:
            faults.extend(schema.check(each, name))
    broken = {fault.file for fault in faults}
    if sources.openapi.file not in broken:
        faults.extend(references.check(sources.openapi))
        faults.extend(operations.check(sources.openapi))
    if sources.api.file not in broken:
        faults.extend(_check_api(sources.api))
    if not broken & {sources.openapi.file, sources.api.file}:
        faults.extend(_check_together(sources))
        if not any(fault.file == sources.openapi.file for fault in faults):
            faults.extend(_check_schemas(sources))
    translated = overlay.Overlaid({}, frozenset())
    if not broken and sources.overlay is not None:
        translated = overlay.apply(sources.openapi.value, sources.overlay)
        faults.extend(translated.faults)
    behind = Upstreams(sources.api, sources.folder, values)
    upstreams = behind.read() if sources.api.file not in broken else {}
    faults.extend(behind.faults)
    api = None
    if not any(fault.severity is Severity.ERROR for fault in faults):
        swedish = translated.value if sources.overlay is not None else sources.openapi.value
        api = replace(
            _api(sources, swedish), upstreams=MappingProxyType(upstreams), balancing=behind.balancing()
        )
    return Read(sources, api, tuple(faults), translated.texts, tuple(behind.files), tuple(behind.beside))


def _check_api(api: Document) -> Iterator[Fault]:
    value = api.value
    if value["id"] in RESERVED_IDS:
        yield api.fault("/id", f"{value['id']!r} is an address of the gateway itself; choose another id")
    days: dict[str, date] = {}
    for name in ("released", "deprecated", "sunset"):
        if value.get(name) is not None:
            try:
                days[name] = date.fromisoformat(value[name])
            except ValueError:
                yield api.fault(f"/{name}", f"{name}: there is no day {value[name]}")
    if "released" not in days and value["released"] is None:
        yield api.fault("/released", "give the day of the release as YYYY-MM-DD")
    if value["status"] == "deprecated" and value.get("deprecated") is None:
        yield api.fault("/status", "a deprecated version says since when; add `deprecated`")
    yield from timeouts.check(api)
    order = [name for name in ("released", "deprecated", "sunset") if name in days]
    for earlier, later in pairwise(order):
        if days[later] < days[earlier]:
            yield api.fault(f"/{later}", f"{later} comes before {earlier}; correct the day")


def _check_together(sources: Sources) -> Iterator[Fault]:
    """What api.yaml says about operations and scopes must be about those of the document."""
    api, openapi = sources.api, sources.openapi
    known = {each["operationId"]: method.upper() for _, method, each in operations.each(openapi.value)}
    yield from answers.check(api, known)
    for part in ("weights", "limits", "timeouts"):
        for name in api.value.get(part, {}).get("operations", {}):
            if name not in known:
                yield api.fault(
                    pointer_of(part, "operations", name),
                    f"no operation {name!r} in {OPENAPI_FILE}; correct it",
                )
    sockets = {each.id for each in operations.operations(openapi) if each.is_socket}
    for name in api.value.get("weights", {}).get("messages", {}):
        if name not in sockets:
            yield api.fault(
                pointer_of("weights", "messages", name),
                f"{name!r} is no WebSocket operation in {OPENAPI_FILE}; a WebSocket is a GET with a response 101",
            )
    if api.value.get("family", "rest") == "rest":
        begin = f"{api.value['id']}:"
        for scope in operations.scopes_declared(openapi.value):
            if not scope.startswith(begin) or scope == begin:
                yield openapi.fault(
                    "/components/securitySchemes", f"the scope {scope!r} must begin with {begin!r}; rename it"
                )


def _check_schemas(sources: Sources) -> Iterator[Fault]:
    """What calls are held against must be something that calls can be held against."""
    if policies.is_judged(sources.api.value):
        yield from judged.check(
            sources.openapi, mocked=bool(policies.mocked_in(sources.api.value["upstreams"]))
        )


def _text(value: Mapping[str, str]) -> Text:
    return Text(sv=value["sv"].strip(), en=value["en"].strip())


def _operations(sources: Sources, swedish: Mapping[str, Any]) -> tuple[Operation, ...]:
    weights = sources.api.value.get("weights", {})
    limits = sources.api.value.get("limits", {})
    weight, body = weights.get("default", 1), limits.get("body", _DEFAULT_BODY)
    times = sources.api.value.get("timeouts", {})
    own_times = times.get("operations", {})
    return tuple(
        Operation(
            id=each.id,
            method=each.method,
            path=each.path,
            scopes=each.scopes,
            weight=weights.get("operations", {}).get(each.id, weight),
            summary=Text(
                sv=swedish["paths"][each.path][each.method.lower()]["summary"], en=each.value["summary"]
            ),
            body_limit=limits.get("operations", {}).get(each.id, body),
            timeouts=timeouts.read({**times, **own_times[each.id]}) if each.id in own_times else None,
            message_weight=weights.get("messages", {}).get(each.id, 1) if each.is_socket else None,
        )
        for each in operations.operations(sources.openapi)
    )


def _published(value: Mapping[str, Any], base: str) -> Mapping[str, Any]:
    """The document as clients see it: the service's own addresses are nobody's business."""
    return MappingProxyType({**value, "servers": [{"url": base}]})


def _api(sources: Sources, swedish: Mapping[str, Any]) -> Api:
    """All but the services behind it."""
    value, english = sources.api.value, sources.openapi.value
    version = english["info"]["version"]
    major = int(version.split(".")[0])
    base = f"/{value['id']}/v{major}"
    scopes, scopes_sv = operations.scopes_declared(english), operations.scopes_declared(dict(swedish))
    return Api(
        id=value["id"],
        major=major,
        version=version,
        name=_text(value["name"]),
        summary=_text(value["summary"]),
        family=Family(value.get("family", "rest")),
        status=Status(value["status"]),
        released=value["released"],
        deprecated=value.get("deprecated"),
        sunset=value.get("sunset"),
        upstreams={},
        access=policies.access_of(value.get("access", {})),
        plans=tuple(value["plans"]),
        operations=_operations(sources, swedish),
        scopes=MappingProxyType({name: Text(sv=scopes_sv[name], en=scopes[name]) for name in scopes}),
        timeouts=timeouts.read(value.get("timeouts", {})),
        validation=policies.validation_of(value.get("validation", {})),
        mocked=policies.mocked_in(value["upstreams"]),
        body_limit=value.get("limits", {}).get("body", _DEFAULT_BODY),
        contacts=tuple(Contact(**contact) for contact in value["contacts"]),
        terms=MappingProxyType({name: _text(text) for name, text in value["terms"].items()}),
        service_level=_text(value["serviceLevel"]),
        openapi=_published(english, base),
        openapi_sv=_published(swedish, base),
        folder=sources.folder,
        answers=answers.read(value),
    )
