"""The parts of `api.yaml` about answers → `Answers`, and every fault in them with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from gateway.catalog.answers import brownouts, names
from gateway.catalog.answers.values import Answers, Caching, Cors, HeaderRules, Shared
from gateway.catalog.errors import Fault
from gateway.catalog.source.document import Document, pointer_of

_ORIGIN = re.compile(
    r"(https?)://((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?|\[[0-9a-f:]+\])"
    r"(?::([1-9][0-9]{0,4}))?"
)
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "[::1]"))
_DEFAULT_PORT = {"http": "80", "https": "443"}
_DIRECTIONS = ("request", "response")


def check(api: Document, methods: Mapping[str, str]) -> Iterator[Fault]:
    """`methods`: the method of each operation of the document, by its id."""
    yield from _check_cors(api)
    yield from _check_headers(api)
    yield from _check_cache(api, methods)
    yield from brownouts.check(api)


def fault_of_origin(text: str) -> str | None:
    """Why a browser would never send this origin, or nobody should allow it."""
    if text == "null":
        return "every sandboxed frame and local file sends null; allow an origin of your own"
    found = _ORIGIN.fullmatch(text)
    if found is None:
        return (
            "write it as a browser does: https://host or https://host:port, lower case, no path, no wildcard"
        )
    scheme, host, port = found.groups()
    if scheme == "http" and host not in _LOOPBACK:
        return "https is needed for any host but the developer's own machine"
    if port == _DEFAULT_PORT[scheme]:
        return f"a browser leaves the port {port} out; write {scheme}://{host}"
    return None


def _check_cors(api: Document) -> Iterator[Fault]:
    value = api.value.get("cors")
    if value is None:
        return
    origins = value["origins"]
    if "*" in origins and len(origins) > 1:
        yield api.fault("/cors/origins", "`*` is every origin; remove the others, or remove `*`")
    for number, origin in enumerate(origins):
        if origin != "*" and (why := fault_of_origin(origin)):
            yield api.fault(pointer_of("cors", "origins", number), f"{origin!r}: {why}")
    for part, judge in (("headers", names.fault_of_asked), ("expose", names.fault_of_exposed)):
        yield from _check_names(api, ("cors", part), value.get(part, []), judge)


def _check_names(
    api: Document, place: tuple[str, ...], listed: list[str], judge: Callable[[str], str | None]
) -> Iterator[Fault]:
    for number, name in enumerate(listed):
        if why := judge(name):
            yield api.fault(pointer_of(*place, number), f"{name!r}: {why}")
    for name in names.twice(iter(listed)):
        yield api.fault(pointer_of(*place), f"{name!r} is named twice")


def _check_headers(api: Document) -> Iterator[Fault]:
    value = api.value.get("headers", {})
    for direction in _DIRECTIONS:
        rules = value.get(direction, {})
        given, removed = rules.get("set", {}), rules.get("remove", [])
        yield from _check_names(api, ("headers", direction, "remove"), removed, names.fault_of_rule)
        for name, text in given.items():
            why = names.fault_of_rule(name) or names.fault_of_value(text)
            if why:
                yield api.fault(pointer_of("headers", direction, "set", name), f"{name!r}: {why}")
        for name in names.twice(chain(dict.fromkeys(map(str.lower, removed)), given)):
            yield api.fault(
                pointer_of("headers", direction), f"{name!r} stands twice; `set` replaces what was there"
            )


def _check_cache(api: Document, methods: Mapping[str, str]) -> Iterator[Fault]:
    shared = api.value.get("cache", {}).get("shared", Shared.SUBJECT)
    if shared != Shared.SUBJECT and api.value.get("access", {}).get("passAuthorization"):
        yield api.fault(
            "/cache/shared",
            "the service sees the client's token and may answer by it; share with `subject` only",
        )
    for number, name in enumerate(api.value.get("cache", {}).get("operations", [])):
        method = methods.get(name)
        if method is None:
            yield api.fault(
                pointer_of("cache", "operations", number),
                f"no operation {name!r} in openapi.yaml; correct it",
            )
        elif method != "GET":
            yield api.fault(
                pointer_of("cache", "operations", number), f"{name!r} is {method}; only a GET is kept"
            )


def read(value: Mapping[str, Any]) -> Answers:
    """`value` is an api.yaml without faults."""
    return Answers(
        cors=_cors(value["cors"]) if "cors" in value else None,
        headers=_headers(value["headers"]) if "headers" in value else None,
        cache=_cache(value["cache"]) if "cache" in value else None,
        brownouts=brownouts.read(value.get("brownouts", ())),
    )


def _cors(value: Mapping[str, Any]) -> Cors:
    return Cors(
        origins=tuple(value["origins"]),
        headers=tuple(value.get("headers", ())),
        expose=tuple(value.get("expose", ())),
        max_age=value.get("maxAge", 600),
    )


def _headers(value: Mapping[str, Any]) -> HeaderRules:
    request, response = (value.get(direction, {}) for direction in _DIRECTIONS)
    return HeaderRules(
        request_set=tuple(request.get("set", {}).items()),
        request_remove=tuple(request.get("remove", ())),
        response_set=tuple(response.get("set", {}).items()),
        response_remove=tuple(response.get("remove", ())),
    )


def _cache(value: Mapping[str, Any]) -> Caching:
    operations = value.get("operations")
    return Caching(Shared(value["shared"]), frozenset(operations) if operations is not None else None)
