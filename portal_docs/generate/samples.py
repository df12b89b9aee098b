"""Runnable samples of one operation in five languages; of a WebSocket in two.

Thin on purpose: a token with client credentials, one call, print the answer. Values from a publication
are quoted for the language they land in; a publication must not be able to put a command into a shell
that pastes its sample.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader, StrictUndefined

from portal_docs.model import DemoClient


@dataclass(frozen=True, slots=True)
class Call:
    """One call with real values: the whole address, headers and a JSON body."""

    method: str
    url: str
    scopes: tuple[str, ...]
    accept: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None  # JSON text
    content_type: str = "application/json"
    socket: bool = False  # a WebSocket

    @property
    def socket_url(self) -> str:
        return "ws" + self.url.removeprefix("http")


@dataclass(frozen=True, slots=True)
class Sample:
    label: str
    lexer: str
    code: str


_LANGUAGES = (
    ("curl", "bash", "curl.sh.j2"),
    ("Python", "python", "python.py.j2"),
    ("JavaScript", "javascript", "javascript.mjs.j2"),
    ("C#", "csharp", "csharp.cs.j2"),
    ("Java", "java", "java.java.j2"),
)
# Those whose usual library can send Authorization with the handshake; curl shows the handshake alone.
_SOCKET_LANGUAGES = (
    ("curl", "bash", "socket.sh.j2"),
    ("Python", "python", "socket.py.j2"),
)


def environment() -> Environment:
    """Templates of samples. No autoescape: the output is code, and every value passes a quoting filter."""
    env = Environment(
        loader=PackageLoader("portal_docs", "templates/samples"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - code, not HTML; it enters a page inside a fence only
    )
    env.filters["sh"] = shlex.quote
    env.filters["quoted"] = quoted
    return env


def quoted(text: str) -> str:
    """A string literal that means the same in Python, JavaScript, C# and Java: ASCII, `\\uXXXX` escapes."""
    return json.dumps(text, ensure_ascii=True)


def samples(
    env: Environment, call: Call, token_url: str, language: str, demo: DemoClient | None
) -> list[Sample]:
    """All of them, in the order of the tabs."""
    return list(_rendered(env, call, token_url, language, demo))


def _rendered(
    env: Environment, call: Call, token_url: str, language: str, demo: DemoClient | None
) -> Iterator[Sample]:
    headers = {"Accept": call.accept, **call.headers}
    if call.body is not None:
        headers["Content-Type"] = call.content_type
    for label, lexer, template in _SOCKET_LANGUAGES if call.socket else _LANGUAGES:
        code = env.get_template(template).render(
            call=call,
            headers=headers,
            scope=" ".join(call.scopes),
            token_url=token_url,
            demo=demo,
            sv=language == "sv",
        )
        yield Sample(label, lexer, code)
