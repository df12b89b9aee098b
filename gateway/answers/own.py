"""Answers of the gateway's own at an API's address: refusals in the API's form, and its documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.catalog.model import Family
from gateway.edge.request import Request
from gateway.errors import MethodNotAllowed, NoSuchOperation, Rendered, Renderer
from gateway.snapshot.build import Snapshot
from gateway.snapshot.published import Document


def refusal(
    error: Exception,
    renderer: Renderer,
    snapshot: Snapshot | None,
    path: str,
    request: Request,
    instance: str,
) -> Rendered:
    """Form and readers are the API's, also where none of its operations was found: a page that called must be able
    to read why it was refused.
    """
    answer = renderer.render(
        error,
        family=snapshot.family_at(path) if snapshot is not None else Family.REST,
        accept_language=request.accept_language,
        instance=instance,
    )
    cors = snapshot.cors_at(path) if snapshot is not None else None
    return answer if cors is None else replace(answer, headers=[*answer.headers, *cors.fields(request)])


def document(documents: Mapping[str, Document], method: str, path: str) -> Rendered:
    """The file that stands beside an API's operations: openapi.json, openapi.yaml, api-info."""
    found = documents.get(path)
    if found is None:
        raise NoSuchOperation
    if method not in ("GET", "HEAD"):
        raise MethodNotAllowed(("GET", "HEAD"))
    return Rendered(200, found.fields, found.body)
