"""Sluss with every stage on: one edge process in front of a catalogue of 200 operations."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from tests.bench.candidate import Bench, Running


@dataclass(frozen=True, slots=True)
class Sluss:
    name: str = "Sluss"
    does: str = "every stage: route, token, scope, subscription, rate, quota, metrics, record"

    def missing(self) -> str | None:
        return "the edge cannot be started yet"

    def version(self) -> str:
        return version("sluss")

    def start(self, bench: Bench) -> Running:
        raise NotImplementedError
