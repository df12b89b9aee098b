"""Every text of the pages exists in both languages, and nothing is left over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

from console.pages.language import LOCALES, Translations, read_catalogue
from console.pages.site import TEMPLATES, environment

OPTIONS = {
    "**.html": {"silent": "false", "trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true"}
}
FORMAT = re.compile(r"%\((\w+)\)s")


@pytest.fixture(scope="module")
def extracted() -> dict[str, str]:
    """Every message of the templates with the place it stands in; a template that cannot be read fails."""
    found = {}
    for name, line, message, _, _ in extract_from_dir(TEMPLATES, [("**.html", "jinja2")], OPTIONS):
        first = message[0] if isinstance(message, tuple) else message
        found[first] = f"{name}:{line}"
    assert len(found) > 150
    return found


@pytest.fixture(scope="module")
def english() -> Catalog:
    return read_catalogue("en")


def first(identifier: object) -> str:
    return str(identifier[0] if isinstance(identifier, list | tuple) else identifier)


def test_every_text_is_translated(extracted: dict[str, str], english: Catalog) -> None:
    translated = {first(message.id): message for message in english if message.id}
    missing = [f"{place}: {text}" for text, place in extracted.items() if text not in translated]
    assert missing == []
    empty = []
    for text, message in translated.items():
        strings = message.string if isinstance(message.string, list | tuple) else (message.string,)
        if message.fuzzy or not all(str(string).strip() for string in strings):
            empty.append(text)
    assert empty == []


def test_nothing_is_translated_in_vain(extracted: dict[str, str], english: Catalog) -> None:
    assert [
        first(message.id) for message in english if message.id and first(message.id) not in extracted
    ] == []
    assert not english.obsolete


def test_both_languages_fill_in_the_same_values(english: Catalog) -> None:
    for message in english:
        ids = message.id if isinstance(message.id, list | tuple) else (message.id,)
        strings = message.string if isinstance(message.string, list | tuple) else (message.string,)
        wanted = set(FORMAT.findall(str(ids[0])))
        assert all(set(FORMAT.findall(str(string))) == wanted for string in strings), message.id


def test_no_swedish_letters_in_english(english: Catalog) -> None:
    assert [str(message.string) for message in english if re.search("[åäöÅÄÖ]", str(message.string))] == []


def test_no_text_stands_in_a_template_without_the_catalogue() -> None:
    """What is left of a template without its tags and expressions is punctuation, commands and names."""
    allowed = re.compile(r"[^A-Za-zÅÄÖåäö]*")
    for path in sorted(TEMPLATES.glob("*.html")):
        text = path.read_text(encoding="utf-8")
        for pattern in (
            r"{#.*?#}",
            r"{% trans .*?{% endtrans %}",
            r"{%.*?%}",
            r"{{.*?}}",
            r"<pre>.*?</pre>",
            r"<[^>]*>",
            r'[a-z-]+="[^"]*"',
        ):
            text = re.sub(pattern, " ", text, flags=re.DOTALL)
        assert allowed.fullmatch(text), (path.name, re.findall(r"[A-Za-zÅÄÖåäö].*", text))


def test_the_catalogue_is_compiled_in_memory() -> None:
    assert not list(Path(LOCALES).rglob("*.mo"))
    translations = Translations.load()
    assert translations.of("en").gettext("Logga in") == "Sign in"
    assert translations.of("sv").gettext("Logga in") == "Logga in"
    assert (
        translations.of("en")
        .ngettext(
            "%(count)s tidigare hemlighet har upphört.", "%(count)s tidigare hemligheter har upphört.", 2
        )
        .startswith("%(count)s earlier secrets")
    )


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_template_compiles(language: str) -> None:
    made = environment(language, Translations.load())
    for name in made.list_templates():
        made.get_template(name)
