"""A terminal for one test: runs `sluss` in this process, with settings and a working folder of its own."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "backends"


@dataclass(frozen=True, slots=True)
class Outcome:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        """The fault as machines read it."""
        found: dict[str, str] = json.loads(self.err)["error"]
        return found


class Terminal:
    """`terminal("org list", "--json")`: words of the first argument are split at blanks, the rest taken as they are."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._patch = monkeypatch
        self._capsys = capsys
        monkeypatch.chdir(folder)
        self.set(DATA_DIR=str(self.data))

    def set(self, **settings: str) -> None:
        for name, value in settings.items():
            self._patch.setenv(f"SLUSS_{name}", value)

    def unset(self, *names: str) -> None:
        for name in names:
            self._patch.delenv(f"SLUSS_{name}", raising=False)

    def migrated(self, template: Path) -> Terminal:
        """With the tables of this version in the data directory."""
        self.data.mkdir(exist_ok=True)
        shutil.copy(template, self.data / "sluss.db")
        return self

    def catalogue(self, *names: str) -> Path:
        """A catalogue of one's own with these of the reference publications, used from now on."""
        target = self.folder / "catalogue"
        target.mkdir()
        shutil.copy(REFERENCE / "plans.yaml", target)
        for name in names:
            (target / name).mkdir()
            for file in (REFERENCE / name).glob("*.yaml"):
                shutil.copy(file, target / name)
        self.set(CATALOG=str(target))
        return target

    def __call__(self, command: str, *words: str) -> Outcome:
        self._capsys.readouterr()
        status = main([*command.split(), *words])
        captured = self._capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    def good(self, command: str, *words: str) -> Outcome:
        outcome = self(command, *words)
        assert outcome.status == 0, outcome.err
        return outcome

    def app(self, *words: str, org: str = "Provbolaget", name: str = "Provappen") -> dict[str, Any]:
        """A new app, in an organisation made where it is missing."""
        if self("app list --org", org).status:
            self.good("org create --name", org)
        made: dict[str, Any] = self.good("app create --json --org", org, "--name", name, *words).json
        return made
