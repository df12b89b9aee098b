"""One case for each kind of bad configuration: the file, the line and the sentence that comes out."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.catalog.errors import CatalogFaults, Fault
from gateway.catalog.load import load
from tests.catalog.sample import OVERLAY, SOUND, changed, write


class Bad(NamedTuple):
    name: str
    files: dict[str, str]
    file: str
    line: int
    message: str


def bad(name: str, file: str, old: str, new: str, line: int, message: str) -> Bad:
    return Bad(name, changed(file, old, new), file, line, message)


A, D, P = "api.yaml", "openapi.yaml", "plans.yaml"
URL = "url: http://127.0.0.1:9999/base"
LAST = "serviceLevel: { sv: God, en: Good }\n"

API_CASES = [
    bad("unknown name", A, "status: active", "statsu: active", 4, "'statsu': this name is not known"),
    bad("missing name", A, "status: active\n", "", 1, "'status' is missing; add it"),
    bad("duplicate key", A, "status: active", "status: active\nstatus: beta", 5, "given twice (first on line 4)"),
    bad("missing language", A, "{ sv: Prov, en: Sample }", "{ sv: Prov }", 2, "'en' is missing"),
    bad("empty text", A, "{ sv: Prov, en: Sample }", '{ sv: " ", en: Sample }', 2, "sv:"),
    bad("status", A, "status: active", "status: living", 4, "Where the version is in its life"),
    bad("day that is none", A, "released: 2026-05-04", "released: 2026-02-30", 5, "there is no day 2026-02-30"),
    bad("no release", A, "released: 2026-05-04", "released: null", 5, "give the day of the release"),
    bad("sunset first", A, "released: 2026-05-04", "released: 2026-05-04\nsunset: 2026-01-01",
        6, "sunset comes before"),
    bad("deprecated since", A, "status: active", "status: deprecated", 4, "add `deprecated`"),
    bad("upper case id", A, "id: sample", "id: Sample", 1, "id:"),
    bad("id with hyphen at the end", A, "id: sample", "id: sample-", 1, "id:"),
    bad("reserved id", A, "id: sample", "id: oauth2", 1, "is an address of the gateway itself"),
    bad("unknown environment", A, "  sandbox:", "  test:", 7, "'test': this name is not known"),
    bad("no upstream", A, f"\n    - {URL}", " []", 7, "sandbox:"),
    bad("scheme", A, URL, "url: ftp://127.0.0.1", 8, "begins with http:// or https://"),
    bad("credentials", A, URL, "url: http://me:secret@host", 8, "must not hold credentials"),
    bad("no host", A, URL, "url: http://", 8, "names no host"),
    bad("port", A, URL, "url: http://host:99999", 8, "is not an address"),
    bad("query", A, URL, 'url: "http://host/?x=1"', 8, "remove what begins with ?"),
    bad("dots", A, URL, "url: http://host/a/../b", 8, "the path must be plain"),
    bad("blank", A, URL, 'url: "http://host/a b"', 8, "no blanks"),
    bad("unset variable", A, URL, "url: ${SLUSS_UPSTREAM_NONE}", 8, "SLUSS_UPSTREAM_NONE has no value"),
    bad("foreign variable", A, URL, "url: http://${SLUSS_MASTER_KEY}", 8, "'SLUSS_MASTER_KEY' is not allowed"),
    bad("weight", A, URL, f"{URL}\n      weight: 0", 9, "weight: 0 is less than the minimum"),
    bad("unknown plan", A, "plans: [free]", "plans: [gratis]", 11, "there is no plan 'gratis'"),
    bad("unknown operation", A, "{ listThings: 3 }", "{ listAll: 3 }", 14, "no operation 'listAll' in openapi.yaml"),
    bad("fraction of a unit", A, "{ listThings: 3 }", "{ listThings: 1.5 }", 14, "Units of this operation"),
    bad("no owner", A, "role: owner", "role: technical", 18, "contacts:"),
    bad("address", A, "someone@region.example", "someone", 19, "email:"),
    bad("wrong type", A, LAST, "serviceLevel: good\n", 24, "serviceLevel:"),
    bad("tag", A, "status: active", "status: !!python/name:os.system active", 4, "is not allowed"),
    bad("merge key", A, LAST, f"{LAST}<<: {{}}\n", 25, "merge keys"),
    bad("unclosed", A, "plans: [free]", "plans: [free", 12, "not readable as YAML"),
    bad("tab", A, "  sandbox:", "\tsandbox:", 7, "not readable as YAML"),
    bad("second document", A, LAST, f"{LAST}---\na: 1\n", 25, "a file holds one document"),
    bad("infinity", A, "body: 1000", "body: .inf", 16, "has no form in JSON"),
    bad("large number", A, "body: 1000", "body: 99999999999999999999", 16, "is too large"),
    bad("complex key", A, LAST, f"{LAST}? [a]\n: b\n", 25, "a key must be a plain word"),
]  # fmt: skip

LIST = "  /things:\n"
SECURITY = 'security:\n  - oauth2: ["sample:read"]\n'
OPENAPI_CASES = [
    bad("version of OpenAPI", D, '"3.1.0"', '"2.0.0"', 1, "Version of OpenAPI"),
    bad("version as number", D, '"1.2.3"', "1.2", 4, "Semantic version in quotes"),
    bad("version", D, '"1.2.3"', '"1.2"', 4, "Semantic version in quotes"),
    bad("no operation", D, SOUND[D][SOUND[D].index("  /things:") : SOUND[D].index("components:")],
        "  x-none: {}\n", 12, "no operation"),
    bad("no operationId", D, "      operationId: listThings\n", "", 14, "'operationId' is missing"),
    bad("operationId twice", D, "operationId: getThing", "operationId: listThings", 28, "is taken on line 15"),
    bad("path without slash", D, "  /things:\n", "  things:\n", 13, "'things': this name is not known"),
    bad("slash at the end", D, "  /things:\n", "  /things/:\n", 13, "remove the empty segment"),
    bad("dots in path", D, "  /things:\n", "  /../things:\n", 13, "remove the dots"),
    bad("half a parameter", D, "  /things:\n", "  /things-{id}:\n", 13, "neither a plain segment"),
    bad("percent", D, "  /things:\n", "  /th%2fings:\n", 13, "neither a plain segment"),
    bad("own address", D, "  /things:\n", "  /api-info:\n", 13, "the gateway itself answers /api-info"),
    bad("parameter twice", D, "/things/{thingId}", "/things/{thingId}/{thingId}", 26, "stands twice"),
    bad("ambiguous", D, "  /things:\n", "  /things/{other}:\n", 26, "/things/{other} (line 13) fit the same request"),
    bad("crossing", D, "  /things/{thingId}:", "  /{kind}/one: {}\n  /things/{thingId}:", 27,
        "/{kind}/one (line 26) fit the same request"),
    bad("undeclared parameter", D, "name: thingId, in: path", "name: id, in: path", 27,
        "declare the path parameter 'thingId'"),
    bad("reference to a file", D, 'schema: { $ref: "#/components/schemas/Problem" }',
        'schema: { $ref: "problem.yaml#/Problem" }', 51, "leaves the document"),
    bad("reference to the network", D, 'schema: { $ref: "#/components/schemas/Problem" }',
        'schema: { $ref: "https://evil.example/x" }', 51, "leaves the document"),
    bad("reference to nothing", D, 'schema: { $ref: "#/components/schemas/Problem" }',
        'schema: { $ref: "#/components/schemas/None" }', 51, "leads nowhere"),
    bad("reference in a circle", D, "    Problem:\n      type: object",
        '    Loop: { $ref: "#/components/schemas/Loop" }\n    Problem:\n      type: object', 54, "leads nowhere"),
    bad("path as reference", D, LIST, f'  /other: {{ $ref: "#/paths/~1things" }}\n{LIST}', 13,
        "a path cannot be a reference"),
    bad("base of references", D, "    Problem:\n      type: object",
        "    Problem:\n      $id: https://x.example/\n      type: object", 55, "$id is not read"),
    bad("trace", D, LIST, f"{LIST}    trace: {{}}\n", 14, "trace is never let through"),
    bad("no security", D, SECURITY, "", 12, "exactly one token"),
    bad("open to all", D, SECURITY, "security: []\n", 13, "exactly one token"),
    bad("choice of schemes", D, SECURITY, f"{SECURITY}  - other: []\n", 15, "exactly one token"),
    bad("undeclared scheme", D, SECURITY, 'security:\n  - other: ["sample:read"]\n', 14,
        "securitySchemes has no 'other'"),
    bad("kind of scheme", D, "type: oauth2", "type: http", 14, "must have the type oauth2 or openIdConnect"),
    bad("undeclared scope", D, SECURITY, 'security:\n  - oauth2: ["sample:write"]\n', 14,
        "'sample:write' is not declared"),
    bad("foreign scope", D, '"sample:read": Read things', '"sample:read": Read things, "other:read": Read', 39,
        "must begin with 'sample:'"),
]  # fmt: skip

PLAN_CASES = [
    bad("no plans", P, SOUND[P], "plans: []\n", 1, "plans:"),
    bad("same version twice", P, SOUND[P], SOUND[P] + SOUND[P].removeprefix("plans:\n"), 13,
        "free@1 stands on line 2 too"),
    bad("money as a fraction", P, "fee: 0", "fee: 49.50", 6, "Fee per month in öre"),
    bad("money below nought", P, "fee: 0", "fee: -1", 6, "less than the minimum of 0"),
    bad("falling tiers", P, "included: 100",
        "included: 0\n    tiers:\n      - { above: 10, pricePer1000: 1 }\n      - { above: 5, pricePer1000: 2 }",
        10, "must rise from tier to tier"),
    bad("billed although included", P, "included: 100",
        "included: 100\n    tiers: [{ above: 10, pricePer1000: 1 }]", 8,
        "units that the fee includes would be billed"),
    bad("month below day", P, "month: 1000", "month: 10", 9, "the month holds less than one day"),
    bad("bill without price", P, "month: 1000 }", "month: 1000, atEnd: bill }", 9,
        "nothing says what further units cost"),
    bad("burst", P, "burst: 10", "burst: 0", 8, "Units that may come at once"),
    bad("environment", P, "[sandbox, production]", "[test]", 11, "Environment"),
    bad("counters", P, "countersAway: closed", "countersAway: maybe", 10, "open lets calls pass"),
]  # fmt: skip

OVERLAY_CASES = [
    Bad("finds nothing", {**SOUND, "overlay.sv.yaml": OVERLAY.replace("/things", "/none")},
        "overlay.sv.yaml", 4, "finds no object"),
    Bad("outside of the subset", {**SOUND, "overlay.sv.yaml": OVERLAY.replace("$.paths['/things'].get", "$..get")},
        "overlay.sv.yaml", 4, "outside of what is read"),
    Bad("more than texts", {**SOUND, "overlay.sv.yaml": OVERLAY.replace("summary: Lista saker", "security: []")},
        "overlay.sv.yaml", 5, "an overlay sets texts only"),
    Bad("another operation", {**SOUND, "overlay.sv.yaml": OVERLAY.replace("summary:", "operationId:")},
        "overlay.sv.yaml", 5, "an overlay sets texts only"),
    Bad("removal", {**SOUND, "overlay.sv.yaml": OVERLAY.replace("update: {", "remove: true\n    update: {")},
        "overlay.sv.yaml", 5, "'remove': this name is not known"),
]  # fmt: skip


def faults_of(folder: Path) -> tuple[Fault, ...]:
    with pytest.raises(CatalogFaults) as caught:
        load([folder], {})
    return caught.value.faults


@pytest.mark.parametrize(
    "case",
    [*API_CASES, *OPENAPI_CASES, *PLAN_CASES, *OVERLAY_CASES],
    ids=lambda case: f"{case.file}-{case.name}",
)
def test_a_fault_is_told_with_file_and_line(tmp_path: Path, case: Bad) -> None:
    faults = faults_of(write(tmp_path / "sample", case.files))
    told = [
        (fault.file.name, fault.line, fault.column > 0) for fault in faults if case.message in fault.message
    ]
    assert (case.file, case.line, True) in told, "\n".join(map(str, faults))


def test_the_sound_publication_is_sound(tmp_path: Path) -> None:
    assert list(load([write(tmp_path / "sample")], {}).apis) == ["sample/v1"]


def test_all_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    files = changed("api.yaml", "status: active", "statsu: active")
    files["openapi.yaml"] = files["openapi.yaml"].replace("operationId: getThing", "operationId: listThings")
    files["plans.yaml"] = files["plans.yaml"].replace("fee: 0", "fee: free")
    told = {fault.file.name for fault in faults_of(write(tmp_path / "sample", files))}
    assert told == {"api.yaml", "openapi.yaml", "plans.yaml"}


def test_file_line_and_column_read_as_compilers_write_them(tmp_path: Path) -> None:
    folder = write(tmp_path / "sample", changed("api.yaml", "status: active", "status: living"))
    [fault] = faults_of(folder)
    assert str(fault).startswith(f"{folder}/api.yaml:4:1: error: status: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"# nothing\n", "the file is empty"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"a: \x00\n", "not readable as YAML"),
        (b"- " * 200, "nested deeper than"),
        (b"[" * 100_000, "nested deeper than"),
        (b"#" * (2 * 1024 * 1024 + 1), "larger than"),
        (b"a: &a [*a]\n", "stands inside or before"),
        (b"a: *b\n", "stands inside or before"),
    ],
)
def test_what_is_no_document(tmp_path: Path, content: bytes, message: str) -> None:
    folder = write(tmp_path / "sample", {**SOUND, "api.yaml": content})
    assert message in faults_of(folder)[0].message


def test_a_billion_laughs_are_not_laughed(tmp_path: Path) -> None:
    lines = ["a0: &a0 [lol]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    folder = write(tmp_path / "sample", {**SOUND, "api.yaml": "\n".join(lines)})
    assert "once aliases are expanded" in faults_of(folder)[0].message


def test_api_without_openapi(tmp_path: Path) -> None:
    folder = write(tmp_path / "sample", {"api.yaml": SOUND["api.yaml"], "plans.yaml": SOUND["plans.yaml"]})
    [fault] = faults_of(folder)
    assert (fault.file.name, fault.line) == ("openapi.yaml", 0)
    assert "cannot be read" in fault.message


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    [fault] = faults_of(tmp_path / "none")
    assert "there is no such folder" in fault.message


def test_one_version_published_twice(tmp_path: Path) -> None:
    write(tmp_path / "one")
    write(tmp_path / "two")
    [fault] = faults_of(tmp_path)
    assert fault.file == tmp_path / "two" / "api.yaml"
    assert "sample/v1 is published in" in fault.message


def test_one_plan_version_in_two_files(tmp_path: Path) -> None:
    write(tmp_path, {"plans.yaml": SOUND["plans.yaml"]})
    write(tmp_path / "sample", changed("plans.yaml", "fee: 0", "fee: 100"))
    [fault] = faults_of(tmp_path)
    assert "free@1 stands otherwise in" in fault.message
