"""Calls that break their API's document.

InvalidCall
├── InvalidRequest           400, with every fault
│   └── InvalidForm          the same, found while the body was on its way
├── UnsupportedContentType   415, with what is taken
└── NotAcceptable            406, with what there is
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from gateway.edge.errors import ClientFault
from gateway.validation.faults import MOST_FAULTS, Fault


class InvalidCall(Exception):
    """`faults` are shown to the caller, at most MOST_FAULTS of them; `cut` says that there may be more."""

    code: ClassVar[str] = "invalid-call"
    sv: ClassVar[str] = "Anropet följer inte API:ets dokument."
    en: ClassVar[str] = "The call does not follow the API's document."

    def __init__(self, faults: Sequence[Fault], *, cut: bool = False) -> None:
        super().__init__(self.code)
        self.faults = tuple(faults[:MOST_FAULTS])
        self.cut = cut or len(faults) > MOST_FAULTS


class InvalidRequest(InvalidCall):
    code = "invalid-request"
    sv = "Anropet följer inte API:ets dokument. Varje fel står i errors."
    en = "The call does not follow the API's document. Each fault stands in errors."


class InvalidForm(InvalidRequest, ClientFault):
    """A fault of the relay too: the service's part of the exchange is given up."""


class UnsupportedContentType(InvalidCall):
    code = "unsupported-content-type"
    sv = "Operationen tar inte emot kroppar av den sorten."
    en = "The operation does not take bodies of that kind."

    def __init__(self, faults: Sequence[Fault], accepted: Sequence[str]) -> None:
        super().__init__(faults)
        self.accepted = tuple(accepted)


class NotAcceptable(InvalidCall):
    code = "not-acceptable"
    sv = "Inget av de svar som finns är av en sort som Accept tillåter."
    en = "None of the answers there are is of a kind that Accept allows."
