"""F17: migrations only add, so that the release before goes on beside this one (expand first, contract later).

A step that takes something away needs a constant `CONTRACT` at the top of its file: the release whose code was the
last to use it, as text. Then nothing that still runs can miss it. `test_two_releases` asks the databases the same.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from storage import migrate
from storage.database import Database

VERSIONS = Path(migrate.__file__).parent / "migrations" / "versions"
FIRST = "0001_first.py"
ADDING = frozenset({"create_table", "create_index", "add_column", "execute", "get_bind"})


def migrations() -> list[Path]:
    return sorted(path for path in VERSIONS.glob("0*.py") if path.name != FIRST)


def faults(source: str) -> Iterator[str]:
    """What would break the release before."""
    tree = ast.parse(source)
    if any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONTRACT" for node in tree.body):
        return
    made = {ast.unparse(call.args[0]) for call in _calls(tree, "op.create_table")}
    for call in _calls(tree, "op.create_index"):
        unique = any(word.arg == "unique" and ast.unparse(word.value) != "False" for word in call.keywords)
        if unique and isinstance(call.args[1], ast.Constant) and ast.unparse(call.args[1]) not in made:
            yield "op.create_index refuses rows that the release before may write"
    steps = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name != "downgrade"]
    for call in (node for step in steps for node in ast.walk(step) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        if name.startswith("op.") and name[3:] not in ADDING:
            yield f"{name} takes away or alters"
        if name == "op.execute" and not ast.unparse(call.args[0]).strip("f'\"").startswith(
            ("INSERT", "CREATE")
        ):
            yield "op.execute of something other than INSERT or CREATE"
        if name == "op.add_column" and not _may_be_absent(call):
            yield "op.add_column of a column that the release before does not fill"


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
            yield node


def _may_be_absent(add: ast.Call) -> bool:
    words = {
        word.arg: ast.unparse(word.value)
        for node in ast.walk(add)
        if isinstance(node, ast.Call)
        for word in node.keywords
    }
    return words.get("nullable") == "True" or "server_default" in words


@pytest.mark.parametrize("path", migrations(), ids=lambda path: path.stem)
def test_a_migration_only_adds(path: Path) -> None:
    assert list(faults(path.read_text())) == []


@pytest.mark.parametrize(
    "step",
    [
        "op.drop_column('apps', 'name')",
        "op.drop_table('apps')",
        "op.alter_column('apps', 'name', nullable=False)",
        "op.execute('UPDATE apps SET name = 1')",
        "op.add_column('apps', sa.Column('colour', sa.Text(), nullable=False))",
        "op.create_index('ux_apps_name', 'apps', ['name'], unique=True)",
    ],
)
def test_the_rule_sees(step: str) -> None:
    source = f"def upgrade():\n    {step}\n"
    assert list(faults(source))
    assert not list(faults(f'CONTRACT = "0.1"\n{source}'))


@pytest.mark.parametrize(
    "step",
    [
        "op.add_column('apps', sa.Column('colour', sa.Text(), nullable=True))",
        "op.add_column('apps', sa.Column('colour', sa.Text(), nullable=False, server_default='red'))",
        "op.create_table('colours')",
        "op.create_table('colours'); op.create_index('ux_colours_name', 'colours', ['name'], unique=True)",
        "op.create_index('ix_apps_name', 'apps', ['name'])",
    ],
)
def test_the_rule_lets_through(step: str) -> None:
    assert not list(faults(f"def upgrade():\n    {step}\n"))


def test_a_release_goes_on_beside_a_newer_one(sqlite_url: str, tmp_path: Path) -> None:
    """A database that a later release has migrated: this one is content with it, and does not touch it."""

    async def as_of_a_later_release() -> None:
        database = Database(sqlite_url)
        async with database.begin() as session:
            await session.execute(text("ALTER TABLE apps ADD COLUMN colour TEXT"))
            await session.execute(text("CREATE TABLE colours (id TEXT PRIMARY KEY)"))
            await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await database.close()

    asyncio.run(as_of_a_later_release())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUSS_")}
    environment |= {"SLUSS_DATABASE_URL": sqlite_url, "SLUSS_DATA_DIR": str(tmp_path / "data")}
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "gateway", "doctor", "--json"]
    done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=False)
    found = {each["what"]: each for each in json.loads(done.stdout)}
    assert found["database"]["ok"], (done.stdout, done.stderr)
    assert migrate.current(sqlite_url) == "9999"
