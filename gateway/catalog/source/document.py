"""One YAML file as plain JSON values, with the line of every value.

Reads the event stream of PyYAML instead of building nodes: no recursion, and each limit stops the reading
at once. Scalars follow the core schema of YAML 1.2, so that `on`, `yes`, `2026-05-04` and `12:30` stay
texts. Tags, merge keys, several documents in one file and keys given twice are faults. Owns nothing about
what the values mean.

Pointers are RFC 6901.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gateway.catalog.errors import Fault, Severity

LARGEST_FILE = 2 * 1024 * 1024
DEEPEST = 100
# Aliases copy what they name; a few lines of "billion laughs" would otherwise fill the memory.
MOST_VALUES = 400_000
LARGEST_INTEGER = 2**53  # what every JSON reader keeps exactly (RFC 8259, section 6)

_INTEGER = re.compile(r"[-+]?[0-9]{1,30}|0x[0-9a-fA-F]{1,16}|0o[0-7]{1,20}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,4})?")
_NOT_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


def escape(token: str) -> str:
    """One reference token of a JSON pointer."""
    return token.replace("~", "~0").replace("/", "~1")


def unescape(token: str) -> str:
    return token.replace("~1", "/").replace("~0", "~")


def pointer_of(*tokens: str | int) -> str:
    return "".join(f"/{escape(str(token))}" for token in tokens)


@dataclass(frozen=True, slots=True)
class Document:
    """The values of one file, where each stands, and the faults met while reading."""

    file: Path
    value: Any
    positions: dict[str, tuple[int, int]]
    faults: list[Fault] = field(default_factory=list)

    def position(self, pointer: str) -> tuple[int, int]:
        """Line and column of the value, or of the nearest value around it that stands in the file."""
        while pointer not in self.positions:
            if not pointer:
                return (0, 0)
            pointer = pointer.rpartition("/")[0]
        return self.positions[pointer]

    def fault(self, pointer: str, message: str, severity: Severity = Severity.ERROR, rule: str = "") -> Fault:
        line, column = self.position(pointer)
        return Fault(self.file, line, column, pointer, message, severity, rule)


class _Stop(Exception):
    """Ends the reading of a file whose limits are passed or whose form is lost."""


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not been read yet."""

    value: dict[str, Any] | list[Any]
    pointer: str
    anchor: str | None
    size: int = 1
    key: str | None = None
    key_position: tuple[int, int] = (0, 0)


class _Reading:
    """Builds the value of one document from its events."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.positions: dict[str, tuple[int, int]] = {}
        self.faults: list[Fault] = []
        self.root: Any = None
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0
        self._documents = 0

    def add_fault(self, position: tuple[int, int], pointer: str, message: str) -> None:
        self.faults.append(Fault(self.file, *position, pointer, message))

    def read(self, events: Iterator[yaml.Event]) -> None:
        for event in events:
            mark = event.start_mark
            position = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
            if isinstance(event, yaml.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise self._stopped(position, "a file holds one document; remove the part from `---` on")
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event.anchor, position)
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event, position)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._start(event, position)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self._end()

    def _stopped(self, position: tuple[int, int], message: str) -> _Stop:
        self.add_fault(position, self._here(), message)
        return _Stop()

    def _here(self) -> str:
        return self._open[-1].pointer if self._open else ""

    def _count(self, values: int, position: tuple[int, int]) -> None:
        self._values += values
        if self._open:
            self._open[-1].size += values
        if self._values > MOST_VALUES:
            raise self._stopped(
                position, f"more than {MOST_VALUES} values once aliases are expanded; write less"
            )

    def _refuse_tag(self, event: yaml.NodeEvent, position: tuple[int, int]) -> None:
        tag = getattr(event, "tag", None)
        if tag not in (None, "!", "tag:yaml.org,2002:str"):
            self.add_fault(position, self._here(), f"the tag {tag!r} is not allowed; write a plain value")

    def _scalar(self, event: yaml.ScalarEvent, position: tuple[int, int]) -> None:
        self._refuse_tag(event, position)
        if self._expects_key():
            self._take_key(event, position)
            return
        plain = event.implicit[0]
        value = self._resolve(event.value, position) if plain else event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        self._count(1, position)
        self._place(value, position)

    def _resolve(self, text: str, position: tuple[int, int]) -> object:
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            number = int(text, 10 if text.lstrip("+-").isdigit() else 0)
            if abs(number) > LARGEST_INTEGER:
                self.add_fault(position, self._here(), f"{text} is too large; write it in quotes")
            return number
        if _FLOAT.fullmatch(text):
            fraction = float(text)
            if not math.isfinite(fraction):
                self.add_fault(position, self._here(), f"{text} is too large; write it in quotes")
                return 0
            return fraction
        if _NOT_JSON.fullmatch(text):
            self.add_fault(position, self._here(), f"{text} has no form in JSON; write a number")
            return 0
        return text

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _take_key(self, event: yaml.ScalarEvent, position: tuple[int, int]) -> None:
        parent = self._open[-1]
        key = event.value
        if event.implicit[0] and key == "<<":
            self.add_fault(position, parent.pointer, "merge keys (`<<`) are not read; write the values out")
        if event.anchor is not None:
            self._anchors[event.anchor] = (key, 1)
        parent.key = key
        parent.key_position = position
        self._count(1, position)

    def _start(self, event: yaml.CollectionStartEvent, position: tuple[int, int]) -> None:
        self._refuse_tag(event, position)
        if self._expects_key():
            raise self._stopped(position, "a key must be a plain word")
        if len(self._open) >= DEEPEST:
            raise self._stopped(position, f"nested deeper than {DEEPEST} levels")
        self._count(1, position)
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        pointer = self._place(value, position)
        self._open.append(_Open(value, pointer, event.anchor))

    def _end(self) -> None:
        closed = self._open.pop()
        if closed.anchor is not None:
            self._anchors[closed.anchor] = (closed.value, closed.size)
        if self._open:
            self._open[-1].size += closed.size - 1  # the start was counted already

    def _alias(self, anchor: str | None, position: tuple[int, int]) -> None:
        named = self._anchors.get(anchor or "")
        if named is None:
            raise self._stopped(position, f"the alias *{anchor} stands inside or before what it names")
        value, size = named
        if self._expects_key():
            raise self._stopped(position, "an alias cannot be a key")
        self._count(size, position)
        self._place(value, position)

    def _place(self, value: object, position: tuple[int, int]) -> str:
        """Puts a value into what is open; a mapping's entry stands where its key stands."""
        if not self._open:
            self.root = value
            self.positions[""] = position
            return ""
        parent = self._open[-1]
        if isinstance(parent.value, list):
            pointer = f"{parent.pointer}/{len(parent.value)}"
            parent.value.append(value)
            self.positions[pointer] = position
            return pointer
        key = parent.key if parent.key is not None else ""
        pointer = f"{parent.pointer}/{escape(key)}"
        if key in parent.value:
            first = self.positions[pointer][0]
            self.add_fault(
                parent.key_position, pointer, f"the key {key!r} is given twice (first on line {first})"
            )
        else:
            parent.value[key] = value
            self.positions[pointer] = parent.key_position
        parent.key = None
        return pointer


def _yaml_fault(file: Path, error: yaml.YAMLError) -> Fault:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "not readable"
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        return Fault(file, line, column, "", f"not readable as YAML: {problem}")
    reason = getattr(error, "reason", None) or "not readable"
    return Fault(file, 1, 1, "", f"not readable as YAML: {reason}")


def parse(file: Path, content: bytes) -> Document:
    """Never raises: a file that cannot be read has the value None and at least one fault."""
    if len(content) > LARGEST_FILE:
        return Document(file, None, {}, [Fault(file, 0, 0, "", f"larger than {LARGEST_FILE} bytes")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Document(file, None, {}, [Fault(file, line, 1, "", "not UTF-8; save the file as UTF-8")])
    reading = _Reading(file)
    try:
        reading.read(yaml.parse(text, Loader=yaml.CSafeLoader))
    except _Stop:
        reading.root = None
    except yaml.YAMLError as error:
        reading.faults.append(_yaml_fault(file, error))
        reading.root = None
    if reading.root is None and not reading.faults:
        reading.faults.append(Fault(file, 1, 1, "", "the file is empty"))
    return Document(file, reading.root, reading.positions, reading.faults)


def content_of(file: Path) -> bytes | Fault:
    """The bytes, at most one more than are allowed; a file that cannot be opened is a fault."""
    try:
        with file.open("rb") as source:
            return source.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return Fault(file, 0, 0, "", f"cannot be read: {reason}")


def of(file: Path, content: bytes | Fault) -> Document:
    """The document of what `content_of` gave."""
    return Document(file, None, {}, [content]) if isinstance(content, Fault) else parse(file, content)
