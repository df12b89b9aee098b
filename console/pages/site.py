"""Everything a page needs that does not change with a request, and how a page becomes an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from console.arrival import Arrival
from console.desk import Desk
from console.pages.language import Translations
from console.services.periods import ZONE
from console.shell import Shells

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


@dataclass(frozen=True, slots=True)
class Site:
    desk: Desk
    shells: Shells
    templates: Mapping[str, Environment]  # one per language

    @classmethod
    def build(cls, desk: Desk, shells: Shells) -> Site:
        translations = Translations.load()
        return cls(desk, shells, {name: environment(name, translations) for name in ("sv", "en")})

    def provider_label(self, language: str) -> str:
        """What the button to the other provider says; empty when there is none."""
        return self.desk.federation.provider.label(language) if self.desk.federation else ""

    def html(
        self,
        arrival: Arrival,
        template: str,
        context: Mapping[str, object],
        *,
        status: int = 200,
        other_language: str,
    ) -> Response:
        """A whole page. The template sets its title by a block of that name."""
        found = self.templates[arrival.language].get_template(template)
        values = {**context, "arrival": arrival, "language": arrival.language}
        title = "".join(found.blocks["title"](found.new_context(values))).strip()
        shell = self.shells.of(arrival.language)
        page = shell.render(_unescaped(title), found.render(values), other_language=other_language)
        return HTMLResponse(page, status, headers=_headers(arrival, shell.content_security_policy))


def _unescaped(title: str) -> str:
    """The shell escapes the title itself, and a block's text has been escaped already."""
    return unescape(title)


def environment(language: str, translations: Translations) -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    # The extension puts this method on at run time, where no type checker sees it.
    made.install_gettext_translations(translations.of(language), newstyle=True)  # type: ignore[attr-defined]
    locale = "en_SE" if language == "en" else "sv_SE"
    made.filters["number"] = lambda value: format_decimal(value, locale=locale)
    made.filters["moment"] = lambda at: format_datetime(_local(at), "d MMM y HH:mm", locale=locale)
    made.filters["day"] = lambda at: format_date(_local(at).date(), "d MMM y", locale=locale)
    made.filters["iso"] = lambda at: datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    # Entries are stored in ASCII, so that their hash never depends on a spelling; people read letters.
    made.filters["readable"] = lambda text: json.dumps(json.loads(text), ensure_ascii=False)
    return made


def _local(at: int) -> datetime:
    return datetime.fromtimestamp(at, ZONE)


def _headers(arrival: Arrival, policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Content-Language": arrival.language,
        "Vary": "Cookie, Accept-Language",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",  # not no-referrer: forms would then send `Origin: null`
        "Cross-Origin-Opener-Policy": "same-origin",
        "Request-Id": arrival.request_id,
    }
