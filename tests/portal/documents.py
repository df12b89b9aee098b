"""The hand-written pages as the documentation's tests read them: tables by heading, figures in either language."""

from __future__ import annotations

import re
from pathlib import Path

CONTENT = Path(__file__).resolve().parents[2] / "portal_docs" / "content"
LANGUAGES = ("sv", "en")

Row = tuple[str, ...]


def page(language: str, name: str) -> str:
    """The text of one page."""
    return (CONTENT / language / name).read_text(encoding="utf-8")


def section(text: str, anchor: str) -> str:
    """What stands below the heading with this anchor, up to the next heading of the same or a higher level."""
    found = re.search(rf"^(#+) .*\{{ #{re.escape(anchor)} \}}$", text, re.MULTILINE)
    assert found, f"no heading with the anchor {anchor}"
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def table(text: str, anchor: str) -> list[Row]:
    """The rows of the tables below a heading, without their heads."""
    rows = [
        tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
        for line in section(text, anchor).splitlines()
        if line.startswith("|")
    ]
    ruled = [number for number, row in enumerate(rows) if all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    heads = {number - 1 for number in ruled} | set(ruled)
    return [row for number, row in enumerate(rows) if number not in heads]


def code(cell: str) -> list[str]:
    """The code spans of a cell."""
    return re.findall(r"`([^`]+)`", cell)


def plain_figures(text: str) -> str:
    """Figures in one form: no separators of thousands, a point for decimals."""
    text = re.sub(r"(?<=\d)[ \xa0\u202f](?=\d{3}\b)", "", text)
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    return re.sub(r"(?<=\d),(?=\d)", ".", text)


def size(value: int) -> str:
    """Bytes as the pages write them."""
    for unit, name in ((1024 * 1024, "MiB"), (1024, "KiB")):
        if value % unit == 0:
            return f"{value // unit} {name}"
    return str(value)


def seconds(value: float) -> str:
    """Seconds as the pages write them."""
    return f"{value:g} s"
