"""One broken document for each rule of the REST profile, and the families that are exempt."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.catalog.errors import Severity
from gateway.catalog.lint import lint
from gateway.catalog.rules.profile import EXEMPT
from tests.catalog.sample import SOUND, changed, write

DOCUMENT = "openapi.yaml"
THING = "        - { name: thingId, in: path, required: true, description: Id., schema: { type: string } }"
PAGE = "{ name: page, in: query, description: Page., schema: { type: integer, minimum: 1, default: 1 } }"
LIMIT = "{ name: limit, in: query, description: Most., schema: { type: integer, default: 20 } }"
LIST = "  /things:\n"
PROBLEMS = '        "429": { $ref: "#/components/responses/Problem" }\n  /things/{thingId}:'
GIVES_ONE = "      description: Gives one thing.\n"
PROPERTIES = "        instance: { type: string }\n"
SCHEME = "    oauth2:\n      type: oauth2\n"

# Rule, text to replace, replacement, line of the warning.
CASES = [
    ("DOK.03", "\n  description: A sample.", "", 2),
    ("DOK.03", ", email: someone@region.example }\n  license", " }\n  license", 6),
    ("DOK.12", "description: Page., ", "", 19),
    ("DOK.15", "          example: { type: about:blank, title: Bad, status: 400 }\n", "", 23),
    ("DOK.17", '"3.1.0"', '"3.0.3"', 1),
    ("DOK.19", GIVES_ONE, "", 27),
    ("DOK.20", PROBLEMS, "  /things/{thingId}:", 14),
    ("FOR.02", GIVES_ONE, f"{GIVES_ONE}      requestBody: {{}}\n", 27),
    ("RES.02", THING, THING.replace("thingId", "personnummer"), 32),
    ("RES.06", LIST, "  /Things:\n", 13),
    ("UFN.07", LIST, "  /Things:\n", 13),
    ("UFN.08", LIST, "  /old_things:\n", 13),
    ("UFN.09", LIST, "  /old_things:\n", 13),
    ("UFN.08", LIST, "  /oldThings:\n", 13),
    ("VER.05", "internal.example:9000/v1", "internal.example:9000/v2", 9),
    ("VER.12", '"1.2.3"', '"0.2.3"', 4),
    ("SAK.09", SCHEME, f"    basic: {{ type: http, scheme: basic }}\n{SCHEME}", 40),
    ("SAK.15", SCHEME, f"    key: {{ type: apiKey, in: query, name: key }}\n{SCHEME}", 40),
    ("SAK.16", SCHEME, f"    key: {{ type: apiKey, in: cookie, name: key }}\n{SCHEME}", 40),
    ("AME.04", PROPERTIES, f"{PROPERTIES}        Not-So: {{ type: string }}\n", 62),
    (
        "AME.05",
        PROPERTIES,
        f"{PROPERTIES}        oneTwo: {{}}\n        twoOne: {{}}\n        two_one: {{}}\n",
        64,
    ),
    ("DOT.02", PROPERTIES, f"{PROPERTIES}        createdAt: {{ type: string }}\n", 62),
    ("FEL.01", "        detail: { type: string }\n", "", 23),
    ("FEL.02", "application/problem+json", "application/json", 23),
    ("ARP.03", '"200": { description: A thing. }', '"201": { description: A thing. }', 34),
    ("FNS.03", "name: limit", "name: _limit", 20),
    ("FNS.05", "name: limit, in: query", "name: limit, in: query, required: true", 20),
    ("FNS.07", f"        - {LIMIT}\n", "", 14),
    ("FNS.07", "name: limit", "name: pageSize", 14),
    ("FNS.08", "minimum: 1, default: 1", "minimum: 0, default: 0", 19),
    ("FNS.09", "default: 20", "default: 50", 20),
]


def broken(folder: Path, files: dict[str, str]) -> set[tuple[str, int]]:
    return {
        (fault.rule, fault.line)
        for fault in lint(write(folder, files))
        if fault.severity is Severity.WARNING and fault.rule != "DOK.06"
    }


def renamed(files: dict[str, str]) -> dict[str, str]:
    """A path parameter that was renamed must be so in the path as well."""
    if "personnummer" in files[DOCUMENT]:
        files[DOCUMENT] = files[DOCUMENT].replace("{thingId}", "{personnummer}")
    return files


def test_the_sample_breaks_no_rule(tmp_path: Path) -> None:
    assert broken(tmp_path / "sample", dict(SOUND)) == set()


@pytest.mark.parametrize(("rule", "old", "new", "line"), CASES)
def test_a_broken_rule_is_told(tmp_path: Path, rule: str, old: str, new: str, line: int) -> None:
    assert (rule, line) in broken(tmp_path / "sample", renamed(changed(DOCUMENT, old, new)))


@pytest.mark.parametrize(
    ("status", "version", "rule"),
    [("beta", "1.0.0", "VER.11"), ("alpha", "1.0.0", "VER.11"), ("active", "0.9.0", "VER.12")],
)
def test_major_numbers_follow_the_status(tmp_path: Path, status: str, version: str, rule: str) -> None:
    files = changed("api.yaml", "status: active", f"status: {status}")
    files[DOCUMENT] = files[DOCUMENT].replace('"1.2.3"', f'"{version}"')
    assert rule in {broken_rule for broken_rule, _ in broken(tmp_path / "sample", files)}


def test_every_text_without_swedish_is_told(tmp_path: Path) -> None:
    overlay = """\
overlay: 1.0.0
info: { title: Svenska, version: 1.0.0 }
actions:
  - { target: $.info, update: { title: Prov, description: Ett prov. } }
  - { target: "$.paths.*.get", update: { summary: S, description: B } }
  - { target: "$.paths.*.get.parameters[*]", update: { description: P } }
  - { target: "$.paths.*.get.responses['200']", update: { description: Svar } }
  - { target: $.components.responses.Problem, update: { description: Fel } }
  - { target: $.components.securitySchemes.oauth2.flows.clientCredentials.scopes, update: { "sample:read": Läsa } }
"""
    folder = write(tmp_path / "sample", {**SOUND, "overlay.sv.yaml": overlay})
    assert lint(folder) == []
    without = overlay.replace("Läsa }", "Läsa }").replace("summary: S, ", "")
    write(folder, {"overlay.sv.yaml": without})
    assert [(fault.rule, fault.line) for fault in lint(folder)] == [("DOK.06", 16), ("DOK.06", 29)]


@pytest.mark.parametrize("family", ["fhir", "openehr"])
@pytest.mark.parametrize(("old", "new"), [(LIST, "  /Old_Things:\n"), ("name: limit", "name: _count")])
def test_families_with_their_own_forms_are_exempt(tmp_path: Path, family: str, old: str, new: str) -> None:
    files = changed(DOCUMENT, old, new)
    assert broken(tmp_path / "rest", files)
    files["api.yaml"] = files["api.yaml"].replace("status: active", f"status: active\nfamily: {family}")
    assert broken(tmp_path / family, files) == set()


def test_errors_come_before_the_profile(tmp_path: Path) -> None:
    faults = lint(write(tmp_path / "sample", changed(DOCUMENT, '"1.2.3"', '"1.2"')))
    assert [(fault.severity, fault.rule, fault.line) for fault in faults] == [(Severity.ERROR, "VER.04", 4)]


def test_a_folder_without_publication_is_a_fault(tmp_path: Path) -> None:
    [fault] = lint(tmp_path)
    assert "no publication here" in fault.message


def test_plain_rest_is_exempt_from_nothing() -> None:
    assert {family.value: bool(rules) for family, rules in EXEMPT.items()} == {
        "rest": False,
        "fhir": True,
        "openehr": True,
    }
