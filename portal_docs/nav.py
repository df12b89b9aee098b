"""The order and titles of the pages in both languages, and the MkDocs configuration of each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gateway.catalog.model import Catalog, Text
from portal_docs.generate.text import plain

# Words of the search index: paths, scopes and operation ids are found by their parts.
_SEPARATOR = r"""[\s\-,:!=\[\]{}()"'/_]+|(?!\b)(?=[A-Z][a-z])|\.(?!\d)|&[lg]t;"""
_ALL_IN_MENU = 30  # more APIs than this stay out of the menu: it stands on every page

# (title, page) or (title, pages below it); a page is a file, or an address beside the portal.
Entry = tuple[Text, "str | tuple[Entry, ...]"]

_APIS = "apis/index.md"
NAV: tuple[Entry, ...] = (
    (Text("Start", "Home"), "index.md"),
    (Text("Kom igång", "Get started"), "get-started.md"),
    (Text("API:er", "APIs"), ((Text("Alla API:er", "All APIs"), _APIS),)),
    (Text("Planer", "Plans"), "plans.md"),
    (
        Text("Guider", "Guides"),
        (
            (Text("Logga in appen", "Authentication"), "guides/authentication.md"),
            (Text("Nyckel och certifikat", "Key and certificate"), "guides/proof.md"),
            (Text("Appar för människor", "Apps for people"), "guides/people.md"),
            (Text("Ditt konto", "Your account"), "guides/accounts.md"),
            (Text("Gränser", "Limits"), "guides/limits.md"),
            (Text("Vad som räknas", "What is counted"), "guides/counting.md"),
            (Text("Strömmar och WebSocket", "Streams and WebSockets"), "guides/streams.md"),
            (Text("Webbläsare, cache och versioner", "Browsers, caching and versions"), "guides/answers.md"),
            (Text("Granskade anrop", "Checked calls"), "guides/validation.md"),
            # A section of its own: an index.md straight below "Guides" would become that section's first page.
            (Text("Fel", "Errors"), ((Text("Alla fel", "All errors"), "problems/index.md"),)),
        ),
    ),
    (
        Text("Publicera", "Publish"),
        ((Text("Publicera ett API", "Publish an API"), "publish/index.md"),),
    ),
    (
        Text("Driva", "Operate"),
        (
            (Text("Drift", "Operating Sluss"), "operate/index.md"),
            (Text("Inställningar", "Settings"), "operate/settings.md"),
            (Text("Kommandon", "Commands"), "operate/commands.md"),
            (Text("Kantens regler", "Edge rules"), "operate/edge.md"),
            (Text("Bakom en annan proxy", "Behind another proxy"), "operate/proxies.md"),
            (Text("När något går fel", "When something fails"), "operate/faults.md"),
            (Text("Loggar och granskning", "Logs and audit"), "operate/records.md"),
            (Text("Snabbhet", "Speed"), "operate/speed.md"),
            (Text("Beslut", "Decisions"), "decisions/index.md"),
        ),
    ),
    (
        Text("Om", "About"),
        (
            (Text("Om Sluss", "About Sluss"), "about/index.md"),
            (Text("Kontakt", "Contact"), "contact.md"),
            (Text("Villkor", "Terms"), "terms.md"),
            (Text("Tillgänglighet", "Accessibility"), "about/accessibility.md"),
            (Text("Säkerhet", "Security"), "about/security.md"),
            (Text("Licenser", "Licences"), "about/licences.md"),
        ),
    ),
    (Text("Konsol", "Console"), "/console/"),
)

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "sv": {
        "site_name": "Sluss",
        "site_description": "Regionens digitaliseringsplattform: API:er för vården",
        "light": "Byt till ljust läge",
        "dark": "Byt till mörkt läge",
    },
    "en": {
        "site_name": "Sluss",
        "site_description": "The region's digital platform: APIs for care",
        "light": "Switch to light mode",
        "dark": "Switch to dark mode",
    },
}


def config(base: Path, stage: Path, issuer: str, catalog: Catalog, language: str) -> dict[str, Any]:
    """What one language adds to `mkdocs.yml`, as it is written to its own file.

    `stage` holds the language's `docs` and receives its `site`.
    """
    texts = _TEXTS[language]
    return {
        "INHERIT": str(base),
        "site_name": texts["site_name"],
        "site_description": texts["site_description"],
        "site_url": f"{issuer}/portal/" + ("en/" if language == "en" else ""),
        "docs_dir": str(stage / "docs"),
        "site_dir": str(stage / "site"),
        "theme": {
            "custom_dir": str(base.parent / "portal_docs" / "theme"),
            "language": language,
            "palette": [
                _palette("light", "default", "material/weather-night", texts["dark"]),
                _palette("dark", "slate", "material/weather-sunny", texts["light"]),
            ],
        },
        "hooks": [str(base.parent / "portal_docs" / "hooks.py")],
        "plugins": {
            "material/search": {
                "lang": language,
                "pipeline": ["stopWordFilter", "trimmer"],
                "separator": _SEPARATOR,
            }
        },
        "extra_javascript": ["assets/tables.js", *(["assets/search.js"] if language == "sv" else [])],
        "nav": [_entry(entry, catalog, language) for entry in NAV],
    }


def write(path: Path, values: Mapping[str, Any]) -> None:
    """One language's MkDocs configuration file."""
    path.write_text(yaml.safe_dump(dict(values), allow_unicode=True, sort_keys=False), encoding="utf-8")


def _palette(media: str, scheme: str, icon: str, name: str) -> dict[str, Any]:
    return {
        "media": f"(prefers-color-scheme: {media})",
        "scheme": scheme,
        "primary": "custom",
        "accent": "custom",
        "toggle": {"icon": icon, "name": name},
    }


def _entry(entry: Entry, catalog: Catalog, language: str) -> Any:
    title, target = entry
    if isinstance(target, str):
        return {title[language]: target}
    below = [_entry(child, catalog, language) for child in target]
    if target[0][1] == _APIS and len(catalog.apis) <= _ALL_IN_MENU:
        apis = sorted(catalog.apis.values(), key=lambda api: (api.name[language], -api.major))
        below += [{f"{plain(api.name[language])} v{api.major}": f"apis/{api.key}.md"} for api in apis]
    return {title[language]: below}
