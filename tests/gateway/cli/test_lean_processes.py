"""Each process loads its own code: an edge with the console's in it is larger by half and slow to start."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from gateway import cli
from gateway.cli.commands import serve

CONTROL_ONLY = frozenset(
    (
        "alembic", "argon2", "authlib", "babel", "console", "httpx", "jinja2", "mako", "markdown_it",
        "mkdocs", "nh3", "portal_docs", "pydantic", "pygments", "starlette", "uvicorn", "wtforms",
    )
)  # fmt: skip
LOADS = """
import json, sys
from gateway import __main__
from gateway.cli import sluss
found = sluss
for word in sys.argv[1:]:
    found = found.commands[word]
assert found.name == sys.argv[-1]
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded(*words: str) -> set[str]:
    """Top-level packages of a fresh interpreter that is about to run `sluss` with these words."""
    done = subprocess.run([sys.executable, "-c", LOADS, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_the_edge_loads_nothing_of_the_control_plane() -> None:
    found = loaded("serve", "edge")
    assert {"gateway", "uvloop", "sqlalchemy"} <= found, "it is the edge that was looked at"
    assert not found & CONTROL_ONLY


def test_the_list_names_what_other_processes_load() -> None:
    """A package that was renamed or dropped would make the test above say nothing."""
    others = loaded("serve", "control") | loaded("migrate") | loaded("up")
    assert CONTROL_ONLY - others == {"mkdocs"}, "the portal's build is a process of its own"


def test_the_command_itself_loads_nothing_else() -> None:
    assert not loaded("serve") & (CONTROL_ONLY | {"sqlalchemy", "auth", "quota", "storage"})


@pytest.mark.parametrize("table", [cli.TABLE, serve.TABLE], ids=["sluss", "serve"])
def test_each_command_has_the_name_it_is_found_by(table: dict[str, str]) -> None:
    group = cli.sluss if table is cli.TABLE else serve.serve
    assert {name: group.commands[name].name for name in table} == {name: name for name in table}
