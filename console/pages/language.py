"""The pages' texts in both languages. Swedish is the source; English is a gettext catalogue (`console/locales`).

The `.po` file is read at start and compiled in memory: no binary is committed and nothing has to be built first.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).resolve().parents[1] / "locales"


def read_catalogue(language: str) -> Catalog:
    with (LOCALES / language / "LC_MESSAGES" / "console.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


@dataclass(frozen=True, slots=True)
class Translations:
    by_language: Mapping[str, gettext.NullTranslations]

    @classmethod
    def load(cls) -> Translations:
        compiled = io.BytesIO()
        write_mo(compiled, read_catalogue("en"))
        compiled.seek(0)
        return cls({"sv": gettext.NullTranslations(), "en": gettext.GNUTranslations(compiled)})

    def of(self, language: str) -> gettext.NullTranslations:
        return self.by_language[language]
