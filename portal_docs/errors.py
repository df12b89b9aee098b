"""Errors of building and reading the portal.

PortalError
├── BuildFailed      a page, a template or MkDocs failed; the standing tree is untouched
└── TreeUnreadable   a built tree without a usable manifest
"""

from __future__ import annotations

from typing import ClassVar


class PortalError(Exception):
    """Something is wrong with the portal. `detail` is for operators, never for readers."""

    code: ClassVar[str] = "portal-error"
    sv: ClassVar[str] = "Portalen är inte tillgänglig just nu."
    en: ClassVar[str] = "The portal is not available right now."

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class BuildFailed(PortalError):
    code = "portal-build-failed"
    sv = "Portalen kunde inte byggas."
    en = "The portal could not be built."


class TreeUnreadable(PortalError):
    code = "portal-tree-unreadable"
