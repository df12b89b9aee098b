"""Lists in pages: `page` from 1, `limit` 20 by default, `_meta` and `_links`.

Swedish REST profile, FNS.07-14 and HYP.13-17. A page out of range is an empty list with status 200.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from pydantic import ConfigDict, Field

from console.management.shapes import Shape

Item = TypeVar("Item", bound=Shape)


class NoQuery(Shape):
    """A route that takes no query parameters."""


class PageQuery(Shape):
    """Query values arrive as text, so this shape alone converts."""

    model_config = ConfigDict(strict=False)

    page: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class Link(Shape):
    rel: str
    href: str
    method: str = "GET"


class Meta(Shape):
    total_records: int
    page: int
    limit: int
    count: int


class Listing(Shape, Generic[Item]):
    items: list[Item]
    meta: Annotated[Meta, Field(alias="_meta")]
    links: Annotated[list[Link], Field(alias="_links")]


Listed = TypeVar("Listed", bound=Listing[Any])


def listing(
    kind: type[Listed], items: Sequence[Shape], query: PageQuery, address: str, other: Mapping[str, str]
) -> Listed:
    """One page of `items`. `address` is absolute; `other` are the query parameters as sent, kept in every link."""
    start = (query.page - 1) * query.limit
    chosen = list(items[start : start + query.limit]) if query.page > 0 else []
    last = max(1, -(-len(items) // query.limit))
    return kind(
        items=chosen,
        meta=Meta(total_records=len(items), page=query.page, limit=query.limit, count=len(chosen)),
        links=[
            Link(rel=rel, href=f"{address}?{urlencode({**other, 'page': page, 'limit': query.limit})}")
            for rel, page in _pages(query.page, last)
        ],
    )


def _pages(page: int, last: int) -> list[tuple[str, int]]:
    rows = [("self", page), ("first", 1), ("last", last)]
    if 1 < page <= last + 1:
        rows.append(("prev", page - 1))
    if page < last:
        rows.append(("next", page + 1))
    return rows
