"""Publishers' texts made harmless before they enter a Markdown page.

A publisher's name, summary or description is untrusted: it may hold HTML, Markdown, Jinja or attribute
lists. It reaches the page in one of two forms only, both a single line in which every character that
HTML or Python-Markdown could read as syntax is a numeric entity:

    plain()    text without any markup, for titles, headings and cells
    rich()     a small set of Markdown rendered by markdown-it (HTML off) and filtered by nh3

One line matters: fenced code is found before raw HTML, so a line of backticks inside raw HTML would open
a code block and swallow what follows it.
"""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

import nh3
from markdown_it import MarkdownIt

# Links lead to the web, to mail or to another place on this host; never `javascript:`, `data:`, `//host`.
_LINK = re.compile(r"^(https://[^\s]+|mailto:[^\s]+|/(?![/\\])[^\s\\]*|#[^\s]*)$", re.IGNORECASE)
_INLINE = frozenset({"a", "code", "em", "strong", "br"})
_BLOCK = _INLINE | {"p", "ul", "ol", "li", "pre", "blockquote", "table", "thead", "tbody", "tr", "th", "td"}
_VOID = frozenset({"br"})
# Control characters (Python-Markdown marks its own stash with STX and ETX), surrogates, and format
# characters, which can turn the reading direction of the text after them.
_DROPPED = frozenset({"Cc", "Cs", "Cf"})


def _markdown() -> MarkdownIt:
    # No headings: they would enter the page's outline. No images: they would fetch from foreign hosts.
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable(["heading", "lheading", "image"])


def encode(text: str) -> str:
    """Every character but letters, digits, spaces and commas as a numeric entity; control characters go."""
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in _DROPPED)
    return "".join(c if c.isalnum() or c in " ," else f"&#{ord(c)};" for c in kept)


def plain(text: str) -> str:
    """A publisher's text as one line without markup."""
    return encode(" ".join(text.split()))


def rich(markdown: str, *, inline: bool = False) -> str:
    """A publisher's Markdown as one line of safe HTML. `inline` gives no block elements (table cells)."""
    parser = _markdown()
    html = parser.renderInline(markdown) if inline else parser.render(markdown)
    clean = nh3.clean(
        html,
        tags=set(_INLINE if inline else _BLOCK),
        attributes={"a": {"href"}},
        attribute_filter=_only_safe_links,
        link_rel="noopener nofollow",
        url_schemes={"https", "mailto"},
    )
    writer = _Reencoder(keep_lines=not inline)
    writer.feed(clean)
    writer.close()
    return "".join(writer.parts).strip()


def _only_safe_links(element: str, attribute: str, value: str) -> str | None:
    return value if (element, attribute) == ("a", "href") and _LINK.match(value) else None


class _Reencoder(HTMLParser):
    """Writes nh3's output again on one line, with texts and attribute values entity-encoded."""

    def __init__(self, *, keep_lines: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._keep_lines = keep_lines
        self._preformatted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = "".join(f' {name}="{encode(value or "")}"' for name, value in attrs)
        self.parts.append(f"<{tag}{values}>")
        self._preformatted += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            self.parts.append(f"</{tag}>")
        self._preformatted -= tag == "pre"

    def handle_data(self, data: str) -> None:
        if self._preformatted and self._keep_lines:
            self.parts.append(encode(data))
        else:
            self.parts.append(encode(re.sub(r"\s+", " ", data)))


def anchor(name: str, prefix: str) -> str:
    """`op-list-units`: an id that neither HTML nor an attribute list can read as anything else."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    return f"{prefix}-{re.sub(r'[^a-z0-9]+', '-', spaced.lower()).strip('-') or 'x'}"


def mail(address: str) -> str:
    """A mail address as a link."""
    return f'<a href="mailto:{encode(address)}">{encode(address)}</a>'


def fence(code: str, language: str, *, title: str = "", indent: int = 0, found: bool = True) -> str:
    """A fenced block that its content cannot close, indented by `indent` spaces (inside tabs).

    `found` says whether the search index takes it.
    """
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    ticks = "`" * max(3, longest + 1)
    options = "".join((f' title="{title}"' if title else "", "" if found else " data-search-exclude=1"))
    head = f"{ticks}{{ .{language}{options} }}" if options else f"{ticks}{language}"
    lines = [head, *code.rstrip("\n").splitlines(), ticks]
    return "\n".join(" " * indent + line for line in lines)
