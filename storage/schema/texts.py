"""A column that holds several texts in their order, as one JSON list: small, read whole, never searched."""

from __future__ import annotations

import json

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator


class Texts(TypeDecorator[tuple[str, ...]]):
    """`tuple[str, ...]` outside, JSON text in the database; NULL stays None."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(list(value), ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(json.loads(value))
