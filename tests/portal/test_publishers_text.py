"""A publisher's text must reach the page as text, whatever it holds."""

from __future__ import annotations

import markdown  # type: ignore[import-untyped]  # MkDocs brings it without types
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal_docs.accessible import mend
from portal_docs.generate.text import anchor, encode, fence, mail, plain, rich
from tests.portal.sample_catalog import EVIL, EVIL_BLOCK

EXTENSIONS = [
    "abbr",
    "admonition",
    "attr_list",
    "def_list",
    "md_in_html",
    "tables",
    "toc",
    "pymdownx.superfences",
]


def page(text: str) -> str:
    """As MkDocs renders it, with the hook's last step."""
    return mend(markdown.markdown(text, extensions=EXTENSIONS), "sv")


@pytest.mark.parametrize("text", [EVIL, EVIL_BLOCK])
def test_no_element_or_attribute_of_an_attacker_survives(text: str) -> None:
    for html in (page(f"# {plain(text)} {{ #top }}\n"), page(f'<div class="publisher">{rich(text)}</div>\n')):
        lowered = html.lower()
        for forbidden in (
            "<script",
            "<img",
            "<iframe",
            'href="javascript',
            'href="data:',
            'href="//',
            "onclick=alert(1)>",
        ):
            assert forbidden not in lowered
        assert "&lt;script&gt;" in lowered or "&#60;script&#62;" in lowered


def test_a_text_cannot_leave_its_box() -> None:
    html = page(f'<div class="publisher">{rich(EVIL_BLOCK)}</div>\n\n## Nästa {{ #next }}\n')
    assert html.count("<div") == html.count("</div>") == 1
    assert html.index("</div>") < html.index('id="next"')


@pytest.mark.parametrize(
    "target",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//evil.example/", "http://evil.example/",
     "vbscript:x", "file:///etc/passwd", "\tjavascript:alert(1)"],
)  # fmt: skip
def test_links_lead_only_to_https_mail_or_this_host(target: str) -> None:
    assert "href" not in rich(f"[här](<{target}>)")


@pytest.mark.parametrize(
    "target", ["https://example.org/a?b=c|d", "mailto:a@example.org", "/console/", "#here"]
)
def test_honest_links_stay(target: str) -> None:
    html = page(f"| A |\n| --- |\n| {rich(f'[här](<{target}>)', inline=True)} |\n")
    assert f'href="{target.replace("|", "%7C")}"' in html
    assert "<td>" in html


def test_a_backslash_cannot_become_a_host() -> None:
    assert 'href="/%5Cevil.example"' in page(rich("[här](/\\evil.example)"))


def test_headings_and_images_stay_text() -> None:
    assert "<h1" not in rich("# Rubrik")
    assert "<img" not in rich("![x](https://evil.example/x.png)")


def test_ordinary_markdown_is_rendered() -> None:
    safe = rich("Ett **två** `tre`\n\n- fyra")
    html = page(f'<div class="publisher">{safe}</div>')
    assert "<strong>två</strong>" in html
    assert "<code>tre</code>" in html
    assert "<li>fyra</li>" in html


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60))
def test_plain_means_the_same_text_again(text: str) -> None:
    html = markdown.markdown(f"<b>x</b> {plain(text)}", extensions=EXTENSIONS)
    assert html.count("<") == 4  # p, b and their ends


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60))
def test_rich_is_one_line_without_markdown(text: str) -> None:
    safe = rich(text)
    assert "\n" not in safe
    assert not set("`[]{}*_\\|~") & set(safe)


def test_direction_overrides_and_controls_are_dropped() -> None:
    assert encode("a\u202eb\x02c\u200d") == "abc"


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="`~a\n ", max_size=40))
@example("a\n```\n\n## Rubrik\n\n```\nb")
def test_code_cannot_close_its_fence(code: str) -> None:
    html = markdown.markdown(fence(code, "text") + "\n\n## Efter\n", extensions=EXTENSIONS)
    assert html.count("<h2") == 1
    assert html.count("<pre") == 1


def test_names_become_harmless_anchors() -> None:
    assert anchor("listNeeds", "op") == "op-list-needs"
    assert anchor('x" onclick="y', "op") == "op-x-onclick-y"
    assert anchor("???", "op") == "op-x"


def test_an_address_is_a_link_and_nothing_else() -> None:
    html = page(mail('a@example.org" onclick="alert(1)'))
    assert html.count('"') == 2
