"""Mends what Material's templates leave inaccessible (WCAG 2.1 A and AA), in finished HTML.

Colours are mended in `theme/assets/sluss.css`; here are names, roles and the skip link. Each replacement
names the rule it serves. They are plain text replacements: the templates come from one pinned version.
"""

from __future__ import annotations

import re

_SKIP = re.compile(
    r'<div data-md-component="skip">\s*(<a href="[^"]*" class="md-skip">\s*.*?</a>)?\s*</div>', re.S
)
_ARTICLE = re.compile(r'<article class="md-content__inner[^>]*>')
_ENTITY = re.compile(r"&#(\d{1,6});")
_TEXTS = {
    "sv": {"skip": "Gå till innehållet", "search": "Sök på webbplatsen", "message": "Meddelande"},
    "en": {"skip": "Skip to content", "search": "Search the site", "message": "Message"},
}


def mend(html: str, language: str) -> str:
    """The same page with names and roles where they are missing."""
    texts = _TEXTS.get(language, _TEXTS["sv"])
    html = _readable(html)
    # 2.4.1: the theme links to the first heading and has no link where a page has none.
    html = _SKIP.sub(
        f'<div data-md-component="skip"><a href="#content" class="md-skip">{texts["skip"]}</a></div>',
        html,
        count=1,
    )
    # An empty target, not an id on the article: the theme names each code block after its nearest ancestor
    # with an id, so all of them would get the same one.
    html = _ARTICLE.sub(r'\g<0><span id="content" tabindex="-1"></span>', html, count=1)
    # 4.1.2: a dialog needs a name.
    return html.replace(
        'data-md-component="search" role="dialog">',
        f'data-md-component="search" role="dialog" aria-label="{texts["search"]}">',
    )


def _readable(html: str) -> str:
    """Entities that only guarded against Markdown as the characters they mean; HTML's own stay."""

    def character(found: re.Match[str]) -> str:
        meant = chr(int(found[1]))
        return found[0] if meant in "<>&\"'\n\t" else meant

    parts = re.split(r"(<script\b.*?</script>)", html, flags=re.S | re.I)
    return "".join(part if index % 2 else _ENTITY.sub(character, part) for index, part in enumerate(parts))
