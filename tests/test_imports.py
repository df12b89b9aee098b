"""Reads every source file and holds it to the house rules that a machine can check.

Owns: who may import whom, imports inside functions, reads of the environment, sizes and names. Behaviour is
tested elsewhere. Each allow-list entry carries its reason, and one that is no longer needed fails too.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("auth", "backends", "console", "gateway", "portal_docs", "quota", "storage")

# Who may import whom. A file belongs to the longest unit that its module name begins with, and may import its
# own unit and those named here. `gateway` stands for what is in no unit of its own: the line and the edge.
UNITS: Mapping[str, frozenset[str]] = {
    "storage": frozenset(),
    "auth": frozenset({"storage"}),
    "quota": frozenset({"storage"}),
    "gateway.catalog": frozenset({"storage", "auth", "quota"}),
    "gateway": frozenset({"storage", "auth", "quota", "gateway.catalog"}),
    "console": frozenset({"storage", "auth", "quota", "gateway.catalog", "portal_docs"}),
    "portal_docs": frozenset({"gateway.catalog"}),
    # Composes everything. Backends are started as processes and spoken to over HTTP, never imported.
    "gateway.cli": frozenset(
        {"storage", "auth", "quota", "gateway", "gateway.catalog", "console", "portal_docs"}
    ),
    "backends": frozenset(),
}

FORBIDDEN_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"})

MOST_LINES = 300
MOST_FUNCTION_LINES = 60
MOST_FILES = 15

# path → why more than MOST_LINES lines
LONG_FILES: Mapping[str, str] = {
    "auth/errors.py": "one tree of classes with a sentence in two languages each; nothing in it is logic",
    "console/errors.py": "one tree of classes with a sentence in two languages each; nothing in it is logic",
    "gateway/errors.py": "one tree of classes with a sentence in two languages each, and the table of their statuses",
    "gateway/pipeline.py": "the request path: the order of the stages is read in one place; its top says so",
    "gateway/edge/connection.py": "one state machine of the client's side, read together; its top says so",
    "gateway/edge/exchange.py": "one state machine of a request's relay, read together; its top says so",
}
# "path:function" → why more than MOST_FUNCTION_LINES lines
LONG_FUNCTIONS: Mapping[str, str] = {}
# folder → why more than MOST_FILES modules
WIDE_FOLDERS: Mapping[str, str] = {
    "gateway": "the process itself, a module for each noun; whatever has more to say has a folder",
    "gateway/cli/commands": "a module for each group of commands, found by its name",
    "console/services": "a module for each thing that the console keeps; what concerns people has a folder",
    "gateway/edge": "the parts of one HTTP/1.1 server, each with its own section of the RFC",
}
# path → why it reads the environment though it is not gateway/settings.py
ENVIRONMENT_READERS: Mapping[str, str] = {
    "gateway/settings.py": "the one place where settings are read",
    "gateway/supervise.py": "hands the whole environment on to its child processes and reads none of it",
}


@dataclass(frozen=True, slots=True)
class Source:
    path: str  # relative to the project
    module: str
    tree: ast.Module
    lines: tuple[str, ...]
    comments: Mapping[int, str]  # line number → comment


@dataclass(frozen=True, slots=True)
class Import:
    module: str  # absolute name
    line: int
    in_function: bool


def read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, str(path))  # before the tokenizer, whose complaint names no file
    relative = path.relative_to(ROOT)
    parts = relative.with_suffix("").parts
    comments = {
        token.start[0]: token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Source(relative.as_posix(), module, tree, tuple(text.splitlines()), comments)


@cache
def sources() -> tuple[Source, ...]:
    return tuple(read(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))


def imports_of(source: Source) -> Iterator[Import]:
    """Every import statement, those for type checkers included, with relative names made absolute."""
    package = source.module if source.path.endswith("__init__.py") else source.module.rpartition(".")[0]
    functions = [
        n for n in ast.walk(source.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    ]
    inside = {child for function in functions for child in ast.walk(function) if child is not function}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, node in inside)
        elif isinstance(node, ast.ImportFrom):
            start = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                # `from gateway import catalog` names a module, `from gateway.route import Router` a value.
                yield Import(f"{module}.{alias.name}", node.lineno, node in inside)


def unit_of(module: str) -> str | None:
    """The unit a dotted name belongs to; None for what is not ours."""
    if module == "gateway.__main__":
        return "gateway.cli"  # `python -m gateway` is the command
    owners = [unit for unit in UNITS if module == unit or module.startswith(unit + ".")]
    return max(owners, key=len, default=None)


def has_reason(source: Source, line: int) -> bool:
    """A comment on the same line or right above it; directives to tools are no reason."""
    above = source.lines[line - 2].strip() if line >= 2 else ""
    beside = source.comments.get(line, "")
    if not beside and above.startswith("#"):
        beside = above
    words = beside.lstrip("# ")
    return bool(words) and not words.startswith(("noqa", "type:", "fmt:", "ruff:", "pragma"))


def uses_environment(node: ast.AST) -> bool:
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == "os" and node.attr in names
    return (
        isinstance(node, ast.ImportFrom) and node.module == "os" and any(a.name in names for a in node.names)
    )


def stale(allowed: Mapping[str, str], found: set[str]) -> list[str]:
    return [f"{entry}: allowed without need; take it off the list" for entry in allowed if entry not in found]


def report(faults: list[str]) -> None:
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def test_every_package_has_sources() -> None:
    assert {source.module.split(".")[0] for source in sources()} == set(PACKAGES)


def test_imports_go_down() -> None:
    faults = []
    for source in sources():
        own = unit_of(source.module)
        assert own is not None
        for imported in imports_of(source):
            unit = unit_of(imported.module)
            if unit is not None and unit != own and unit not in UNITS[own]:
                faults.append(
                    f"{source.path}:{imported.line}: {own} may not import {imported.module} ({unit})"
                )
    report(faults)


def test_the_import_table_has_no_circle() -> None:
    settled: set[str] = set()
    while len(settled) < len(UNITS):
        ready = {unit for unit, below in UNITS.items() if unit not in settled and below <= settled}
        assert ready, f"a circle among {sorted(set(UNITS) - settled)}"
        settled |= ready


def test_imports_in_functions_carry_a_reason() -> None:
    report(
        [
            f"{source.path}:{imported.line}: imports {imported.module} inside a function without a reason"
            for source in sources()
            for imported in imports_of(source)
            if imported.in_function and not has_reason(source, imported.line)
        ]
    )


def test_imports_by_name_carry_a_reason() -> None:
    """`import_module("x")` would go around the table."""
    report(
        [
            f"{source.path}:{node.lineno}: an import by name without a reason beside it"
            for source in sources()
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Call)
            and (
                (isinstance(node.func, ast.Name) and node.func.id in {"__import__", "import_module"})
                or (isinstance(node.func, ast.Attribute) and node.func.attr == "import_module")
            )
            and not has_reason(source, node.lineno)
        ]
    )


def test_only_the_settings_read_the_environment() -> None:
    readers = {s.path: s for s in sources() if any(uses_environment(node) for node in ast.walk(s.tree))}
    report(
        [
            f"{path}: reads the environment; settings are passed in"
            for path in readers
            if path not in ENVIRONMENT_READERS
        ]
        + stale(ENVIRONMENT_READERS, set(readers))
    )


def test_no_global_statement() -> None:
    report(
        [
            f"{source.path}:{node.lineno}: mutable module state"
            for source in sources()
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Global)
        ]
    )


def test_broad_excepts_say_why() -> None:
    faults = []
    for source in sources():
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            broad = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}
            )
            first = node.body[0].lineno
            if broad and not any(has_reason(source, line) for line in range(node.lineno, first + 1)):
                faults.append(f"{source.path}:{node.lineno}: catches everything without saying why")
    report(faults)


def test_names_are_the_fields_own_terms() -> None:
    paths = [path for top in (*PACKAGES, "tests") for path in (ROOT / top).rglob("*.py")]
    report(
        [
            f"{path.relative_to(ROOT)}: names no part of the field"
            for path in paths
            if path.stem in FORBIDDEN_NAMES
        ]
    )


def test_files_are_short() -> None:
    sizes = {source.path: len(source.lines) for source in sources()}
    long = {path: size for path, size in sizes.items() if size > MOST_LINES}
    report(
        [f"{path}: {size} lines" for path, size in long.items() if path not in LONG_FILES]
        + stale(LONG_FILES, set(long))
    )


def test_functions_are_short() -> None:
    long: dict[str, int] = {}
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > MOST_FUNCTION_LINES:
                    long[f"{source.path}:{node.name}"] = size
    report(
        [f"{name}: {size} lines" for name, size in long.items() if name not in LONG_FUNCTIONS]
        + stale(LONG_FUNCTIONS, set(long))
    )


def test_folders_are_narrow() -> None:
    counts = Counter(
        source.path.rpartition("/")[0] for source in sources() if not source.path.endswith("/__init__.py")
    )
    wide = {folder: count for folder, count in counts.items() if count > MOST_FILES}
    report(
        [f"{folder}: {count} modules" for folder, count in wide.items() if folder not in WIDE_FOLDERS]
        + stale(WIDE_FOLDERS, set(wide))
    )


@pytest.mark.parametrize(
    ("module", "unit"),
    [
        ("gateway.catalog.model.Api", "gateway.catalog"),
        ("gateway.catalogue", "gateway"),
        ("gateway.cli.main", "gateway.cli"),
        ("storage", "storage"),
        ("storage_of_others", None),
        (sys.__name__, None),
    ],
)
def test_a_name_belongs_to_the_longest_unit(module: str, unit: str | None) -> None:
    assert unit_of(module) == unit
