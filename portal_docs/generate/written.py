"""Fills the marks in hand-written pages: `@@issuer@@`, `@@api-cards@@`, `@@first-token@@`, `@@first-call@@`.

Nothing else of a hand-written page is touched; a page is Markdown, not a template.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.catalog.model import Api, Catalog
from portal_docs.generate import operation as operations
from portal_docs.generate import samples, words
from portal_docs.generate.text import fence, plain, rich
from portal_docs.model import DemoClient

_CARDS = 6


def marks(catalog: Catalog, issuer: str, demo: DemoClient | None, language: str) -> dict[str, str]:
    """Mark → what stands in its place, in one language."""
    callable_apis = [api for api in _in_order(catalog) if api.status.callable]
    token, call = _first_sample(callable_apis, issuer, demo, language)
    return {
        "@@issuer@@": issuer,
        "@@api-cards@@": _cards(callable_apis[:_CARDS], language),
        "@@first-token@@": token,
        "@@first-call@@": call,
    }


def fill(page: str, values: Mapping[str, str]) -> str:
    """The page with every mark replaced."""
    for mark, value in values.items():
        page = page.replace(mark, value)
    return page


def _in_order(catalog: Catalog) -> list[Api]:
    """Open ones first: a newcomer should meet what needs no agreement."""
    return sorted(catalog.apis.values(), key=lambda api: (api.access.agreement, api.access.approval, api.id))


def _first_sample(apis: list[Api], issuer: str, demo: DemoClient | None, language: str) -> tuple[str, str]:
    for api in apis:
        view = operations.first_call(operations.views(api, api.openapi, issuer))
        if view is None:
            continue
        env = samples.environment()
        curl = samples.samples(env, view.call, f"{issuer}/oauth2/token", language, demo)[0].code
        token, _, call = curl.partition("\n\n")
        return fence(token, "bash"), fence(call, "bash")
    none = words.words(language)["apis_none"]
    return none, none


def _cards(apis: list[Api], language: str) -> str:
    if not apis:
        return words.words(language)["apis_none"]
    cards = [
        f'<li><h3><a href="apis/{api.key}/">{plain(api.name[language])}</a></h3>'
        f"<p>{rich(api.summary[language], inline=True)}</p>"
        f'<p><span class="chip chip-{api.status}">{words.STATUS[api.status][language]}</span></p></li>'
        for api in apis
    ]
    return "\n".join(['<ul class="cards">', *cards, "</ul>"])
