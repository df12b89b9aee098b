"""Every setting, command, error code, log field and decision has its place in both languages, and none is left over."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
import yaml

from gateway.access_log import FIELDS
from gateway.cli import sluss
from gateway.cli.portal import PROBLEMS, codes
from gateway.settings import SETTINGS, Setting
from tests.portal.documents import CONTENT, LANGUAGES, code, page, section, table


def headings(language: str, name: str) -> list[str]:
    found = re.findall(r"^##+ (.*?)(?: \{ #[\w-]+ \})?$", page(language, name), re.MULTILINE)
    return [heading.replace("&lt;", "<").replace("&gt;", ">") for heading in found]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_settings_are_the_settings_in_their_order(language: str) -> None:
    assert headings(language, "operate/settings.md") == [setting.name for setting in SETTINGS]


DEFAULT = {"sv": "Standard", "en": "Default"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_each_setting_states_its_default_and_its_meaning(language: str, setting: Setting) -> None:
    anchor = setting.name.lower().replace("_<name>", "")
    text = section(page(language, "operate/settings.md"), anchor).strip()
    assert text.startswith(DEFAULT[language])
    if setting.default and setting.default != "the reference backends":
        assert text.startswith(f"{DEFAULT[language]} `{setting.default}`"), text
    assert len(text) > len(setting.default) + 40, "a default alone is no meaning"


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for below, child in command.commands.items():
            yield from commands(child, f"{name} {below}")


TREE = dict(commands(sluss, "sluss"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_and_subcommand_has_its_heading(language: str) -> None:
    assert set(headings(language, "operate/commands.md")) == TREE.keys() - {"sluss"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in TREE if name != "sluss"])
def test_every_option_of_a_command_is_named(language: str, name: str) -> None:
    text = section(page(language, "operate/commands.md"), name.removeprefix("sluss ").replace(" ", "-"))
    own = re.split(r"^### ", text, maxsplit=1, flags=re.MULTILINE)[0]
    for parameter in TREE[name].params:
        if isinstance(parameter, click.Option) and "--json" not in parameter.opts:
            assert f"`{parameter.opts[0]}" in own or f" {parameter.opts[0]}" in own, parameter.opts


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_option_is_named_that_is_not_there(language: str) -> None:
    known = {option for command in TREE.values() for each in command.params for option in each.opts}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", page(language, "operate/commands.md")))
    assert named - known - {"--help", "--version"} == set()


def test_every_error_code_has_its_text_and_none_is_left_over() -> None:
    texts = yaml.safe_load(PROBLEMS.read_text(encoding="utf-8"))
    assert set(texts) == {each for each, _, _ in codes()}
    for name, text in texts.items():
        for part in ("cause", "cure"):
            assert set(text[part]) == set(LANGUAGES), name
            assert all(sentence.strip().endswith(".") for sentence in text[part].values()), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_log_s_fields_are_the_record_s(language: str) -> None:
    rows = table(page(language, "operate/records.md"), "access")
    assert [code(row[0])[0] for row in rows] == list(FIELDS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_index_of_decisions_lists_every_record(language: str) -> None:
    files = sorted(path.name for path in (CONTENT / language / "decisions").glob("[0-9]*.md"))
    rows = table(page(language, "decisions/index.md"), "records")
    linked = [target for row in rows for target in re.findall(r"\]\(([^)]+)\)", row[1])]
    assert linked == files
    assert [row[0] for row in rows] == [name[:4] for name in files]
    for name, row in zip(files, rows, strict=True):
        text = page(language, f"decisions/{name}")
        title = re.search(r"^# (\d{4})\. (.+)$", text, re.MULTILINE)
        assert title, name
        assert (title[1], f"[{title[2]}]({name})") == (row[0], row[1])
        for anchor in ("question", "choice", "alternatives", "consequences"):
            assert section(text, anchor).strip(), (name, anchor)
