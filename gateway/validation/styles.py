"""How a parameter is written in a call (OpenAPI 3.1, "Style Values"; RFC 6570) and cut into texts.

Owns the notations. Delimiters are looked for after decoding, as the services behind do: a list of texts that
contain its delimiter cannot be written. What the texts mean is in `texts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from gateway.validation.texts import PRIMITIVES, Shape, readings

DELIMITERS: Final[Mapping[str, str]] = {
    "form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|", "label": ".",
}  # fmt: skip
_MEMBER: Final = re.compile(r"\[([^\[\]]*)\]")


class NotWritten(Exception):
    """A text that is not written in its parameter's style."""


def decoded(text: str, *, plus: bool = False) -> str:
    """Without percent codes. Raises NotWritten for what is no UTF-8."""
    try:
        return unquote_to_bytes(text.replace("+", " ") if plus else text).decode("utf-8")
    except UnicodeDecodeError:
        raise NotWritten from None


def pairs_of(query: bytes) -> list[tuple[str, str]]:
    """Names and values of a query, decoded; `+` is a space. Raises NotWritten."""
    found = []
    for part in query.decode("latin-1").split("&"):
        if part:
            name, _, value = part.partition("=")
            found.append((decoded(name, plus=True), decoded(value, plus=True)))
    return found


def _item(text: str, types: frozenset[str]) -> Any:
    return readings(text, types)[0]


def listed(texts: Sequence[str], shape: Shape) -> Sequence[Any]:
    """A list from texts that have been cut apart already, such as repeated parameters."""
    return [[_item(text, shape.items) for text in texts]]


def _object(pairs: Sequence[tuple[str, str]], shape: Shape) -> Sequence[Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise NotWritten
    return [{name: readings(text, shape.member(name).types)[0] for name, text in pairs}]


def _couples(texts: Sequence[str]) -> list[tuple[str, str]]:
    """`R,100,G,200` → pairs."""
    if len(texts) % 2:
        raise NotWritten
    return list(zip(texts[::2], texts[1::2], strict=True))


def _equations(texts: Sequence[str]) -> list[tuple[str, str]]:
    """`R=100,G=200` → pairs."""
    found = []
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise NotWritten
        found.append((name, value))
    return found


def delimited(text: str, shape: Shape, style: str, *, explode: bool) -> Sequence[Any]:
    """The readings of one text that holds the whole parameter: path, header, and lists in one query value."""
    sign = DELIMITERS[style]
    if style == "label":
        if not text.startswith("."):
            raise NotWritten
        text = text[1:]
        sign = "." if explode else ","
    found: list[Any] = []
    if shape.may_be("array"):
        found.extend(listed(text.split(sign) if text else [], shape))
    if shape.may_be("object"):
        texts = text.split(sign) if text else []
        found.extend(_object(_equations(texts) if explode else _couples(texts), shape))
    if not found or shape.types & PRIMITIVES:
        found.extend(readings(text, shape.types))
    return found


def header(text: str, shape: Shape, explode: bool) -> Sequence[Any]:
    """`simple` in a header, where blanks may stand around a comma (RFC 9110, 5.6.1)."""
    if shape.may_be("array") or shape.may_be("object"):
        text = ",".join(part.strip(" \t") for part in text.split(","))
    return delimited(text, shape, "simple", explode=explode)


def deep_object(name: str, pairs: Sequence[tuple[str, str]], shape: Shape) -> tuple[list[str], Sequence[Any]]:
    """`filter[a]=1&filter[b]=2`: the names it takes and the readings; a member that is a list may repeat."""
    taken: list[str] = []
    members: dict[str, list[str]] = {}
    for key, value in pairs:
        if key.startswith(name + "["):
            match = _MEMBER.fullmatch(key[len(name) :])
            if match is None:
                raise NotWritten
            taken.append(key)
            members.setdefault(match.group(1), []).append(value)
    if not taken:
        return [], []
    made: dict[str, Any] = {}
    for member, texts in members.items():
        inner = shape.member(member)
        if inner.may_be("array"):
            made[member] = [_item(text, inner.items) for text in texts]
        elif len(texts) > 1:
            raise NotWritten
        else:
            made[member] = readings(texts[0], inner.types)[0]
    return taken, [made]


def exploded_object(
    pairs: Sequence[tuple[str, str]], shape: Shape, others: frozenset[str]
) -> tuple[list[str], Sequence[Any]]:
    """`R=100&G=200` with style form: each member is a parameter of its own. `others` belong to someone else."""
    own = [
        (name, value)
        for name, value in pairs
        if name in shape.members or (shape.open and name not in others and "[" not in name)
    ]
    return ([name for name, _ in own], _object(own, shape)) if own else ([], [])
