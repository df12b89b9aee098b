"""How long the gateway waits for a service: `timeouts` of api.yaml, for the API and for single operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.catalog.errors import Fault
from gateway.catalog.model import Timeouts
from gateway.catalog.source.document import Document, pointer_of


def check(api: Document) -> Iterator[Fault]:
    """A time that another one always ends before is a mistake."""
    whole = api.value.get("timeouts", {})
    own = whole.get("operations", {})
    for place, given in (
        (("timeouts",), whole),
        *((("timeouts", "operations", name), {**whole, **each}) for name, each in own.items()),
    ):
        total = given.get("total", 0)
        for name in ("connect", "firstByte", "idle"):
            if total and name in given and given[name] > total:
                yield api.fault(
                    pointer_of(*place), f"{name} ({given[name]} s) is never reached: total is {total} s"
                )


def read(value: Mapping[str, Any]) -> Timeouts:
    return Timeouts(
        connect=float(value.get("connect", 2.0)),
        first_byte=float(value.get("firstByte", 15.0)),
        idle=float(value.get("idle", 30.0)),
        total=float(value.get("total", 0.0)),
    )
