"""Commands that are loaded when they are asked for: each process loads its own code and nobody else's.

Owns the loading. Which commands there are stands in one table for each group, as `module:attribute`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module

import click


class Commands(MutableMapping[str, click.Command]):
    """What a `click.Group` looks its commands up in. `below` is the package that the table's modules are in."""

    def __init__(self, below: str, table: Mapping[str, str]) -> None:
        self._below = below
        self._table = dict(table)
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            module, _, attribute = self._table[name].partition(":")
            # By name: an edge that loaded console, authorization server and portal was 30 MB larger for nothing.
            found = getattr(import_module(f"{self._below}.{module}"), attribute)
            assert isinstance(found, click.Command)
            self._loaded[name] = found
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        self._loaded.pop(name, None)
        del self._table[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._table, *self._loaded]))

    def __len__(self) -> int:
        return len(self._table.keys() | self._loaded.keys())
