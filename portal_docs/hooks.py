"""MkDocs hooks: what the theme's templates leave inaccessible is mended in the finished HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal_docs.accessible import mend

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:
    """Every page of the site."""
    return mend(output, str(config.theme["language"]))


def on_post_template(output_content: str, *, template_name: str, config: MkDocsConfig) -> str:
    """`404.html` is a template, not a page; it is also the console's shell."""
    if template_name.endswith(".html"):
        return mend(output_content, str(config.theme["language"]))
    return output_content
