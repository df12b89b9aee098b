"""Container, compose, alerts and dashboard: their form, and that what they name exists. No test builds the image."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from gateway.cli import sluss as cli
from gateway.metrics import LineMetrics
from gateway.settings import SETTINGS
from tests.deploy.fronts import DEPLOY

ROOT = DEPLOY.parent
# What Prometheus adds to the name of a counter and of a histogram.
SUFFIXES = ("_total", "_count", "_bucket", "_sum")


def metrics() -> set[str]:
    """The names that the edge exports, as they stand in the source."""
    found = {metric.name for metric in LineMetrics(lambda: ()).collect()}
    for path in (ROOT / "gateway").rglob("*.py"):
        found |= set(re.findall(r'"(sluss_[a-z_]+)"', path.read_text(encoding="utf-8")))
    return found


def named(expression: str) -> set[str]:
    names = set(re.findall(r"\bsluss_[a-z_]+", expression))
    known = metrics()
    return {
        name if name in known else next((name.removesuffix(s) for s in SUFFIXES if name.endswith(s)), name)
        for name in names
    }


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def test_every_alert_is_about_a_metric_there_is() -> None:
    for rule in alerts():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        assert named(rule["expr"]) <= metrics(), rule["alert"]
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)


def test_every_panel_too() -> None:
    board = json.loads((DEPLOY / "grafana/sluss.json").read_text())
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for target in panel["targets"]:
            assert named(target["expr"])
            assert named(target["expr"]) <= metrics(), panel["title"]


def test_a_name_that_is_none_is_noticed() -> None:
    assert named("rate(sluss_call_seconds_count[1m])") == {"sluss_call_seconds"}
    assert named("sluss_nothing > 1") - metrics()


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "container/Containerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_holds_every_package_and_nothing_that_is_not_there() -> None:
    copied = [name for word, rest in instructions() if word == "COPY" for name in rest.split()[:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert {name.split(".")[0] for name in packages} <= set(copied)
    assert {"requirements.lock", "pyproject.toml", "mkdocs.yml"} <= set(copied)


def test_the_image_runs_as_nobody_in_particular_and_takes_only_the_lock() -> None:
    words = [word for word, _ in instructions()]
    assert words[0] == "FROM"
    assert words.index("USER") > max(n for n, word in enumerate(words) if word == "RUN")
    installs = [rest for word, rest in instructions() if word == "RUN" and "pip install" in rest]
    assert all("--require-hashes" in rest or "--no-deps --no-build-isolation" in rest for rest in installs)


def test_settings_and_commands_exist() -> None:
    known = {setting.name for setting in SETTINGS}
    compose = yaml.safe_load((DEPLOY / "container/compose.yaml").read_text())
    sluss = compose["services"]["sluss"]
    assert set(sluss["environment"]) <= known
    assert sluss["command"][0] in cli.commands
    assert (DEPLOY / "container" / sluss["build"]["context"]).resolve() == ROOT
    assert (ROOT / sluss["build"]["dockerfile"]).is_file()
    volumes = {name.split(":")[0] for service in compose["services"].values() for name in service["volumes"]}
    assert volumes == set(compose["volumes"])
    (environment,) = (rest for word, rest in instructions() if word == "ENV")
    assert set(re.findall(r"SLUSS_\w+", environment)) <= known


def test_no_file_holds_a_secret() -> None:
    for path in DEPLOY.rglob("*"):
        if path.is_file():
            _no_secret(path)


def _no_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?i)(password|secret)\s*[:=]\s*[\"']?(?!\$)[a-z0-9]{3,}", text), path
