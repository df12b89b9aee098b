"""Request target and authority: what is accepted, letter by letter (RFC 9112 section 3.2, RFC 3986).

Owns the rules; knows no routes. The principle: a path that two programs could read differently is refused,
never mended, so that routing, authorisation, limits and the upstream all work on the very bytes the client
sent.

Path: unreserved and sub-delims characters, ``:`` and ``@``; no ``;`` (path parameters are stripped by some
upstreams), no ``//``, no ``.`` or ``..`` segment, no backslash. Percent-escapes only for octets that need
one: an escaped unreserved character is a second spelling of the same path and is refused, so are ``/``,
``\\``, ``;``, control characters, a second layer of escapes, and anything that is not UTF-8 in shortest form.
Query: any visible ASCII but ``#``, with well-formed escapes; forwarded untouched.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from gateway.edge.errors import DeceptivePath, MalformedHost, MalformedTarget

_PLAIN_PATH: Final = re.compile(rb"/[A-Za-z0-9_~!$&'()*+,=:@./-]*")
_ESCAPED_PATH: Final = re.compile(rb"/(?:[A-Za-z0-9_~!$&'()*+,=:@./-]|%[0-9A-Fa-f]{2})*")
_PARAMETER_PATH: Final = re.compile(rb"/(?:[A-Za-z0-9_~!$&'()*+,;=:@./\\-]|%[0-9A-Fa-f]{2})*")
_QUERY: Final = re.compile(rb"(?:[!\"$&-~]|%[0-9A-Fa-f]{2})*")
_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_TWICE: Final = re.compile(rb"%25[0-9A-Fa-f]{2}")
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_NEVER: Final = frozenset(b"/\\;")
_LOOKALIKES: Final = frozenset("/\\%;")
_NAME: Final = re.compile(
    rb"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?"
)
_SCHEMES: Final = (b"http://", b"https://")


def check_path(raw: bytes) -> str:
    """The path as text when every reader must understand it alike, else MalformedTarget or DeceptivePath."""
    if _PLAIN_PATH.fullmatch(raw) is None:
        _check_escapes(raw)
    if b"//" in raw:
        raise DeceptivePath("empty segment")
    if b"/." in raw and not _dots_harmless(raw):
        raise DeceptivePath("dot segment")
    return raw.decode("ascii")


def check_query(raw: bytes) -> None:
    if _QUERY.fullmatch(raw) is None:
        raise MalformedTarget("query")


def split_absolute(target: bytes) -> tuple[bytes, bytes]:
    """Authority and origin form of ``http://authority/path?query``; other forms are refused (section 3.2)."""
    lower = target[:8].lower()
    for scheme in _SCHEMES:
        if lower.startswith(scheme):
            rest = target[len(scheme) :]
            cut = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
            authority, origin = rest[:cut], rest[cut:]
            if not origin.startswith(b"/"):
                origin = b"/" + origin
            return authority, origin
    raise MalformedTarget("form")


def check_authority(value: bytes) -> str:
    """The host in lower case without port: a name, an IPv4 address or a bracketed IPv6 address, else
    MalformedHost.
    """
    match = _NAME.fullmatch(value)
    if match is None:
        raise MalformedHost("authority")
    port: bytes | None = match.group(1)
    if port is not None:
        if not 0 < int(port) < 65536:
            raise MalformedHost("port")
        value = value[: -len(port) - 1]
    if b".." in value:
        raise MalformedHost("empty label")
    return value.decode("ascii").lower()


def _dots_harmless(raw: bytes) -> bool:
    return not any(segment in (b".", b"..") for segment in raw.split(b"/"))


def _check_escapes(raw: bytes) -> None:
    """Judges a path with anything but plain characters; returns only when its escapes are the necessary
    ones.
    """
    if _ESCAPED_PATH.fullmatch(raw) is None:
        if _PARAMETER_PATH.fullmatch(raw) is not None:
            raise DeceptivePath("parameter or backslash")
        raise MalformedTarget("path")
    if _TWICE.search(raw) is not None:
        raise DeceptivePath("escaped twice")
    for match in _ESCAPE.finditer(raw):
        octet = int(match.group(1), 16)
        if octet in _NEVER or octet < 0x20 or octet == 0x7F:
            raise DeceptivePath("escaped separator or control")
        if octet in _UNRESERVED:
            raise DeceptivePath("needless escape")
    plain = _ESCAPE.sub(_octet, raw)
    try:
        # Strict UTF-8: overlong forms (%c0%ae) and surrogates are refused by the decoder itself.
        text = plain.decode("utf-8")
    except UnicodeDecodeError:
        raise DeceptivePath("not UTF-8") from None
    if text.isascii():
        return
    if any(unicodedata.category(char) in ("Cc", "Cf") for char in text):
        raise DeceptivePath("control character")
    # Best-fit mapping: a fullwidth solidus or dot becomes the real one in some upstreams.
    for segment, folded in zip(text.split("/"), unicodedata.normalize("NFKC", text).split("/"), strict=False):
        if segment != folded and (folded in (".", "..") or _LOOKALIKES & set(folded) - set(segment)):
            raise DeceptivePath("look-alike separator")
    if unicodedata.normalize("NFKC", text).count("/") != text.count("/"):
        raise DeceptivePath("look-alike separator")


def _octet(match: re.Match[bytes]) -> bytes:
    return bytes((int(match.group(1), 16),))
