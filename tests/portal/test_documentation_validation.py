"""The guide on checked calls and the publisher's section are held to the code, in both languages."""

from __future__ import annotations

import re

import pytest

from gateway.catalog.model import Judging, Validation
from gateway.catalog.openapi.schemas import BACKTRACKS
from gateway.validation.errors import InvalidRequest, NotAcceptable, UnsupportedContentType
from gateway.validation.faults import LISTED_VALUES, MOST_FAULTS, SENTENCES
from gateway.validation.forms import MOST_FIELDS
from gateway.validation.json_text import DEEPEST, MOST_VALUES
from gateway.validation.multipart import HEAD_BYTES
from tests.portal.documents import LANGUAGES, code, page, plain_figures, section, size, table

GUIDE = "guides/validation.md"
PUBLISH = "publish/index.md"
OF_ANSWERS = {"status", "schema"}  # not met by those who call


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_stands_with_its_sentence(language: str) -> None:
    told = {code(row[0])[0]: row[1] for row in table(page(language, GUIDE), "codes")}
    which = LANGUAGES.index(language)
    wanted = {
        each: re.sub(r"\{\d\}", "…", sentences[which]).replace("\\ud800–\\udfff", "`\\ud800`–`\\udfff`")
        for each, sentences in SENTENCES.items()
        if each not in OF_ANSWERS
    }
    assert told == wanted


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_of_the_guide(language: str) -> None:
    text = plain_figures(page(language, GUIDE))
    for figure in (
        str(MOST_FAULTS),
        str(LISTED_VALUES),
        str(MOST_VALUES),
        f" {DEEPEST} ",
        str(MOST_FIELDS),
        size(HEAD_BYTES),
        size(Validation().body),
    ):
        assert figure in text, figure
    for error in (InvalidRequest, NotAcceptable, UnsupportedContentType):
        assert f"`{error.code}`" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_and_defaults_of_the_keys(language: str) -> None:
    text = plain_figures(section(page(language, PUBLISH), "validation"))
    standard = Validation()
    assert (standard.request, standard.response, standard.refuse_unknown) == (Judging.OFF, Judging.OFF, True)
    for figure in (str(standard.body), f"depth: {standard.depth}", size(standard.body), str(BACKTRACKS)):
        assert figure in text, figure
    keys = [code(row[0])[0] for row in table(page(language, PUBLISH), "validation")]
    assert keys == ["request", "response", "unknownQuery", "body", "depth"]
