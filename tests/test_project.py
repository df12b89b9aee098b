"""Holds the project's own files to what they promise: dependencies, locks, commands, licence, metadata."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
CONTRACT_TARGETS = ("up", "test", "demo", "bench", "lint")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def project() -> dict[str, Any]:
    return tomllib.loads(text("pyproject.toml"))


def pins(lock: str) -> dict[tuple[str, str], tuple[Requirement, tuple[str, ...]]]:
    """(name, marker) → requirement and its hashes. Raises on a line that is neither."""
    found: dict[tuple[str, str], tuple[Requirement, tuple[str, ...]]] = {}
    for entry in text(lock).replace("\\\n", " ").splitlines():
        if not entry.strip() or entry.startswith("#"):
            continue
        specification, *hashes = entry.split("--hash=")
        requirement = Requirement(specification.strip())
        key = (canonicalize_name(requirement.name), str(requirement.marker or ""))
        found[key] = (requirement, tuple(h.strip() for h in hashes))
    return found


def shell_blocks(markdown: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", markdown, re.MULTILINE | re.DOTALL)


def make_rules() -> set[str]:
    return set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))


def test_every_runtime_dependency_has_its_reason_beside_it() -> None:
    block = re.search(r"^dependencies = \[\n(.*?)^\]", text("pyproject.toml"), re.MULTILINE | re.DOTALL)
    assert block is not None
    lines = [line for line in block[1].splitlines() if line.strip().startswith('"')]
    assert len(lines) == len(project()["project"]["dependencies"]), "one dependency a line"
    assert [line for line in lines if not re.search(r'",\s+# \S.{3,}', line)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_pins_and_hashes_everything(lock: str) -> None:
    found = pins(lock)
    assert len(found) > 20
    for requirement, hashes in found.values():
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), f"{requirement} is not pinned"
        assert hashes, f"{requirement} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", h) for h in hashes), (
            f"{requirement}: a weak or broken hash"
        )


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_names_no_host(lock: str) -> None:
    """Which index serves the packages is the machine's business; the hashes say what is accepted."""
    assert re.findall(r"://|--index|--extra-index|--find-links|--trusted-host| @ ", text(lock)) == []


def test_the_development_lock_holds_every_runtime_pin() -> None:
    """The Makefile takes an installed development lock for the runtime lock too."""
    runtime, development = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {key: development.get(key) for key in runtime} == runtime


@pytest.mark.parametrize(("lock", "extras"), [("requirements.lock", ()), ("requirements-dev.lock", ("dev",))])
def test_the_lock_satisfies_the_project(lock: str, extras: tuple[str, ...]) -> None:
    wanted = list(project()["project"]["dependencies"])
    for extra in extras:
        wanted += project()["project"]["optional-dependencies"][extra]
    versions: dict[str, list[Version]] = {}
    for (name, _), (requirement, _) in pins(lock).items():
        versions.setdefault(name, []).extend(Version(s.version) for s in requirement.specifier)
    for line in wanted:
        requirement = Requirement(line)
        locked = versions.get(canonicalize_name(requirement.name), [])
        assert locked, f"{line} is not in {lock}; run make lock"
        assert all(requirement.specifier.contains(v) for v in locked), f"{lock} has {locked} for {line}"


def test_every_package_is_listed_for_the_distribution() -> None:
    listed = set(project()["tool"]["setuptools"]["packages"])
    tops = {name.split(".")[0] for name in listed}
    present = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in tops
        for path in (ROOT / top).rglob("__init__.py")
    }
    assert present - listed == set(), "in the source, not in pyproject.toml"
    assert listed - present == set(), "in pyproject.toml, not in the source"


def test_make_has_the_targets_of_the_contract() -> None:
    assert set(CONTRACT_TARGETS) <= make_rules()


def test_the_readme_starts_with_two_commands_that_make_knows() -> None:
    commands = re.findall(r"^make (\w+)", shell_blocks(text("README.md"))[0], re.MULTILINE)
    assert commands == ["up", "test"]
    assert set(commands) <= make_rules()


def test_every_make_command_in_the_documents_exists() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"):
        named = set(re.findall(r"`make ([a-z]+)", text(name)))
        for block in shell_blocks(text(name)):
            named |= set(re.findall(r"^make ([a-z]+)", block, re.MULTILINE))
        assert named <= make_rules(), f"{name} names {sorted(named - make_rules())}"


def test_continuous_integration_runs_the_readmes_test_command_and_lint() -> None:
    script = text(".ci/run")
    assert script.startswith("#!/usr/bin/env bash\n")
    assert re.search(r"^set -eu", script, re.MULTILINE)
    assert os.access(ROOT / ".ci/run", os.X_OK)
    calls = re.findall(r"^make (\w+)", script, re.MULTILINE)
    assert calls == ["lint", "test"], "the suite last, so that pytest's closing line ends the run"


def test_the_projects_files_name_no_machine() -> None:
    for name in ("Makefile", ".ci/run", "pyproject.toml", "README.md", "CONTRIBUTING.md", *LOCKS):
        assert re.findall(r"(?<![\w.])/(?:home|root|work|Users)/\S+", text(name)) == [], name


def test_the_licence_is_the_whole_eupl() -> None:
    licence = text("LICENSE")
    assert "EUROPEAN UNION PUBLIC LICENCE v. 1.2" in licence
    articles = re.findall(r"^(\d+)\. [A-Z]", licence, re.MULTILINE)
    assert articles == [str(n) for n in range(1, 16)]
    assert licence.rstrip().endswith(
        "All other changes or additions to this Appendix require the production of a new\nEUPL version."
    )
    assert project()["project"]["license"] == "EUPL-1.2"


def test_the_changelog_keeps_the_form() -> None:
    headings = re.findall(r"^## (.+)$", text("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", heading) for heading in headings[1:])
    kinds = set(re.findall(r"^### (.+)$", text("CHANGELOG.md"), re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_security_says_how_and_how_fast() -> None:
    policy = text("SECURITY.md")
    assert "1 business day" in policy
    assert "## Supported versions" in policy
    minor = ".".join(project()["project"]["version"].split(".")[:2])
    assert f"| {minor}.x |" in policy


class TestPubliccode:
    """The standard's core schema, version 0.5, as far as this project uses it."""

    @pytest.fixture
    def code(self) -> dict[str, Any]:
        loaded = yaml.safe_load(text("publiccode.yml"))
        assert isinstance(loaded, dict)
        return loaded

    def test_mandatory_keys(self, code: dict[str, Any]) -> None:
        mandatory = {
            "publiccodeYmlVersion", "name", "url", "platforms", "developmentStatus", "softwareType",
            "description", "legal", "maintenance", "localisation",
        }  # fmt: skip
        optional = {
            "softwareVersion",
            "categories",
            "intendedAudience",
            "dependsOn",
            "logo",
            "landingURL",
            "releaseDate",
        }
        assert mandatory <= set(code) <= mandatory | optional
        assert code["publiccodeYmlVersion"] == "0.5"
        assert code["url"].startswith("https://")

    def test_enumerations(self, code: dict[str, Any]) -> None:
        assert code["developmentStatus"] in {"concept", "development", "beta", "stable", "obsolete"}
        assert code["softwareType"] in {"standalone/web", "standalone/backend"}
        assert set(code["platforms"]) <= {"web", "windows", "mac", "linux", "ios", "android"}
        assert code["maintenance"]["type"] in {"internal", "contract", "community", "none"}

    def test_descriptions_in_both_languages(self, code: dict[str, Any]) -> None:
        assert set(code["description"]) == {"sv", "en"} == set(code["localisation"]["availableLanguages"])
        for words in code["description"].values():
            assert 0 < len(words["shortDescription"]) <= 150
            assert "\n" not in words["shortDescription"].strip()
            assert 150 <= len(words["longDescription"]) <= 10_000
            assert words["features"]

    def test_it_agrees_with_the_project(self, code: dict[str, Any]) -> None:
        assert code["legal"]["license"] == project()["project"]["license"]
        assert code["softwareVersion"] == project()["project"]["version"]
        python = next(d for d in code["dependsOn"]["open"] if d["name"] == "Python")
        assert project()["project"]["requires-python"] == f">={python['versionMin']}"

    def test_somebody_answers(self, code: dict[str, Any]) -> None:
        names = {contact["name"] for contact in code["maintenance"]["contacts"]}
        assert "Security" in names, "SECURITY.md sends people to it"
