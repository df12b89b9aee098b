"""The hand-written pages keep what the contract and the law promise, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.edge.limits import EdgeLimits
from gateway.settings import SETTINGS
from portal_docs.nav import NAV, Entry

CONTENT = Path(__file__).resolve().parents[2] / "portal_docs" / "content"
LANGUAGES = ("sv", "en")
CONTRACT = (
    "SLUSS_DATA_DIR", "SLUSS_PORT", "SLUSS_ADMIN_PORT", "SLUSS_ISSUER", "SLUSS_DATABASE_URL",
    "SLUSS_REDIS_URL", "SLUSS_CATALOG", "SLUSS_EDGE_PROCESSES", "SLUSS_TRUSTED_PROXIES",
)  # fmt: skip
COMMANDS = (
    "up", "serve", "migrate", "doctor", "demo", "api", "plan", "org", "app", "subscription", "keys",
    "usage", "audit", "restored", "token",
)  # fmt: skip


def headings(language: str, page: str) -> set[str]:
    text = (CONTENT / language / page).read_text(encoding="utf-8")
    found = re.findall(r"^#+ (.*?)(?: \{ #[\w-]+ \})?$", text, re.MULTILINE)
    return {heading.replace("&lt;", "<").replace("&gt;", ">") for heading in found}


def targets(entries: tuple[Entry, ...]) -> Iterator[str]:
    for _, target in entries:
        if isinstance(target, str):
            yield target
        else:
            yield from targets(target)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_setting_has_its_heading(language: str) -> None:
    wanted = {*CONTRACT, *(setting.name for setting in SETTINGS)}
    assert wanted - headings(language, "operate/settings.md") == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_has_its_heading(language: str) -> None:
    assert {f"sluss {name}" for name in COMMANDS} - headings(language, "operate/commands.md") == set()


def test_the_same_pages_with_the_same_anchors_in_both_languages() -> None:
    pages = {
        language: {p.relative_to(CONTENT / language).as_posix() for p in (CONTENT / language).rglob("*.md")}
        for language in LANGUAGES
    }
    assert pages["sv"] == pages["en"]
    for page in pages["sv"]:
        anchors = [re.findall(r"\{ #([\w-]+) \}", (CONTENT / lang / page).read_text()) for lang in LANGUAGES]
        assert anchors[0] == anchors[1], page


def test_the_menu_leads_to_pages_that_exist() -> None:
    generated = {"apis/index.md", "plans.md", "problems/index.md"}
    for target in targets(NAV):
        assert target.startswith("/") or target in generated or (CONTENT / "sv" / target).is_file(), target


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_accessibility_statement_has_all_that_the_law_demands(language: str) -> None:
    text = (CONTENT / language / "about/accessibility.md").read_text(encoding="utf-8")
    # law.md, 7.2 a–k: actor, service, status, content, dates, method, feedback, Digg, 12 §, 9 §
    swedish = ("Region Mälarsund", "/portal/", "förenlig", "Skäl:", "Alternativ:", "Senaste bedömning",
               "Redogörelsen uppdaterad", "självskattning", "#feedback", "12 §", "9 §")  # fmt: skip
    english = ("Region Mälarsund", "/portal/", "compliant", "Reason:", "Alternative:", "Last assessed",
               "Statement updated", "self-assessment", "#feedback", "section 12", "section 9")  # fmt: skip
    for phrase in (
        *(swedish if language == "sv" else english),
        "2018:1937",
        "https://www.digg.se/tdosanmalan",
    ):
        assert phrase in text, phrase


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_edge_s_figures_are_the_edge_s(language: str) -> None:
    limits = EdgeLimits()
    text = (
        (CONTENT / language / "operate/edge.md")
        .read_text(encoding="utf-8")
        .replace("\xa0", " ")
        .replace(",", " ")
    )
    for figure in (
        f"{limits.request_line // 1024} KiB", f"{limits.field_line // 1024} KiB", f"{limits.head // 1024} KiB",
        f"| {limits.fields} |", f"{limits.head_seconds:.0f} s", f"{limits.idle_seconds:.0f} s",
        f"{limits.body_rate // 1024} KiB/s", f"{limits.connections:_}".replace("_", " "),
    ):  # fmt: skip
        assert figure in text, figure


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_says_the_same_paragraph_twice(language: str) -> None:
    for page in sorted((CONTENT / language).rglob("*.md")):
        paragraphs = [
            part for part in re.split(r"\n\n+", page.read_text(encoding="utf-8")) if len(part) > 120
        ]
        assert len(paragraphs) == len(set(paragraphs)), page
