"""Decision mode: another proxy asks "may this pass?" at `/decide` before it lets a call through.

Owns how a question is read and how a yes looks. The stages are the line's own (`gateway.pipeline`): the answer
is 200 with the caller's identity and the limits as headers, or the very refusal the line would give.

    nginx auth_request           X-Original-Method, X-Original-URI; the problem document in a header too
    Traefik, Caddy forward auth  X-Forwarded-Method, X-Forwarded-Uri
    Envoy ext_authz (HTTP)       the call's own method, and its path below /decide

Only a trusted proxy (SLUSS_TRUSTED_PROXIES) may ask; for everybody else the address does not exist. An asker
must set both headers of its pair itself: what it passes on from its client instead would let the client choose
what is decided on. So a question in both notations, or with a header twice, is refused and never guessed at.

What became of the call is not known here, so a unit that was taken is kept. The control plane and the documents
beside an API are not asked about: they stand on this port without limits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from gateway.edge.errors import MalformedField, MalformedTarget, UnknownMethod
from gateway.edge.reader import refuse_method
from gateway.edge.request import METHODS, Request
from gateway.edge.target import check_path, check_query
from gateway.errors import NoSuchApi
from gateway.headers import Caller, Field, limit_fields
from gateway.route import DECIDE
from quota.counters.protocol import Decision
from quota.plans import Limits

_BASE: Final = "/" + DECIDE
_NOTATIONS: Final = (
    (b"x-original-method", b"x-original-uri"),
    (b"x-forwarded-method", b"x-forwarded-uri"),
)


def asked(request: Request) -> tuple[str, str, bytes]:
    """Method, path and query of the call that is asked about.

    NoSuchApi when this peer may not ask, else the EdgeFault that the call itself would have met.
    """
    if not request.trusted:
        raise NoSuchApi
    below = request.path.removeprefix(_BASE)
    if below:
        return request.method, below, request.query  # read under the same rules as every target
    notations = [(request.removed_fields(method), request.removed_fields(uri)) for method, uri in _NOTATIONS]
    used = [pair for pair in notations if pair != ([], [])]
    if len(used) != 1 or [len(values) for values in used[0]] != [1, 1]:
        raise MalformedField("not exactly one original method and target")
    ((verb,), (target,)) = used[0]
    return _method(verb), *_target(target)


def yes(caller: Caller, decision: Decision, limits: Limits, life: Sequence[Field]) -> list[Field]:
    """The headers of the answer 200: what the line would have told upstream and client."""
    return [
        *caller.identity,
        *limit_fields(decision, limits),
        *life,
        (b"Cache-Control", b"no-store"),
    ]


def carried(request: Request, document: bytes) -> list[Field]:
    """For nginx, which throws away the body of an answer to `auth_request`: the problem document in a header,
    as ASCII, so that its configuration can give the client the document. Nobody else gets it.
    """
    if not (request.trusted and request.path == _BASE and request.removed_fields(_NOTATIONS[0][1])):
        return []
    return [(b"Sluss-Problem", json.dumps(json.loads(document), separators=(",", ":")).encode("ascii"))]


def _method(verb: bytes) -> str:
    method = METHODS.get(verb)
    if method is None:
        refuse_method(verb)
        raise UnknownMethod("of the call asked about")
    return method


def _target(target: bytes) -> tuple[str, bytes]:
    path, _, query = target.partition(b"?")
    if not path.startswith(b"/"):
        raise MalformedTarget("of the call asked about")
    check_query(query)
    return check_path(path), query
