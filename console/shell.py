"""The portal's own look around the console's pages: its built `404.html` with another middle.

Header, tabs, search, palette and language menu come from the built file, so there is nothing to keep in
step. Until the portal is built (and in tests) a plain shell stands in.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

from portal_docs.errors import TreeUnreadable
from portal_docs.finish import content_security_policy
from portal_docs.tree import Tree, in_use

_MAIN = re.compile(r"<!--sluss:main-->.*?<!--/sluss:main-->", re.DOTALL)
_TITLE = re.compile(r"(?<=<title>).*?(?=</title>)", re.DOTALL)
_TOPIC = re.compile(
    r'(data-md-component="header-topic">\s*<span class="md-ellipsis">).*?(?=</span>)', re.DOTALL
)
_OTHER_LANGUAGE = re.compile(r'(<a class="sluss-language" href=")[^"]*(?=")')
_SITE_NAME = "Sluss"
_PLAIN = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title></title>
</head>
<body>
<main id="content"><!--sluss:main--><!--/sluss:main--></main>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Shell:
    """One language's frame. `content_security_policy` belongs on every answer that holds a rendered page."""

    language: str
    content_security_policy: str
    page: str

    @classmethod
    def load(cls, tree: Path | None, language: str) -> Shell:
        """The frame of a finished tree (`out/current`), or a plain one when there is none."""
        try:
            loaded = Tree.load(tree) if tree else None
            name = "en/404.html" if language == "en" else "404.html"
            if loaded and name in loaded.files:
                page = (loaded.folder / name).read_text(encoding="utf-8")
                if _MAIN.search(page) and _TITLE.search(page):
                    return cls(language, loaded.content_security_policy, page)
        except (TreeUnreadable, OSError):
            pass  # the plain frame below: a console without its look is better than none
        return cls(language, content_security_policy(()), _PLAIN.format(language=language))

    def render(self, title: str, main_html: str, *, other_language: str | None = None) -> str:
        """A whole page. `title` is text and is escaped; `main_html` is finished, already escaped HTML.

        `other_language` is where the language menu leads; without it, to the portal's start page.
        """
        safe_title = html.escape(f"{title} – {_SITE_NAME}")
        # Functions, not strings: a backslash in what people wrote must not be read as a group reference.
        page = _TITLE.sub(lambda _: safe_title, self.page, count=1)
        page = _TOPIC.sub(lambda found: found[1] + html.escape(title), page, count=1)
        if other_language is not None:
            address = html.escape(other_language)
            page = _OTHER_LANGUAGE.sub(lambda found: found[1] + address, page, count=1)
        return _MAIN.sub(lambda _: main_html, page, count=1)


class Shells:
    """The frames of the tree in use; a newly built tree is taken up at the next page."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._target: str | None = None
        self._shells: dict[str, Shell] = {}

    def of(self, language: str) -> Shell:
        """The frame for `sv` or `en`."""
        target = in_use(self._out)
        if target != self._target:
            self._shells.clear()
            self._target = target
        if language not in self._shells:
            self._shells[language] = Shell.load(self._out / "current" if target else None, language)
        return self._shells[language]
