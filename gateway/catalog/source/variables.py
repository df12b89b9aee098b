"""`${SLUSS_UPSTREAM_NAME:-default}` in addresses of upstreams.

The variables are given by the caller. Only names that begin with SLUSS_UPSTREAM_ are read: a publication is
written by others than the operator and must not be able to put a secret of the process into an address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

_VARIABLE = re.compile(r"\$\{([^}:]*)(?::-([^}]*))?\}")
_ALLOWED = re.compile(r"SLUSS_UPSTREAM_[A-Z0-9_]{1,60}")


class WrongAddress(ValueError):
    """The text says how to mend it."""


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """Raises WrongAddress for a name that is not allowed or that has neither value nor default."""

    def value(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        if not _ALLOWED.fullmatch(name):
            raise WrongAddress(f"the variable {name!r} is not allowed; name it SLUSS_UPSTREAM_…")
        found = variables.get(name) or default
        if not found:
            raise WrongAddress(f"{name} has no value; set it, or write ${{{name}:-http://host:port}}")
        return found

    return _VARIABLE.sub(value, text)


def upstream_url(text: str, variables: Mapping[str, str]) -> str:
    """The address with its variables filled in, without a slash at the end.

    Raises WrongAddress unless it is plain http or https with a host and nothing but a path behind it.
    """
    url = substitute(text, variables)
    if any(character <= " " or character > "~" for character in url):
        raise WrongAddress("an upstream address has no blanks and only ASCII")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname
    except ValueError as error:
        raise WrongAddress(f"{url!r} is not an address: {error}") from error
    if parts.scheme not in ("http", "https"):
        raise WrongAddress(f"{url!r}: an upstream address begins with http:// or https://")
    if "@" in parts.netloc:
        raise WrongAddress("an upstream address must not hold credentials; remove the part before @")
    if not host or port == 0:
        raise WrongAddress(f"{url!r} names no host and port")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise WrongAddress(f"{url!r}: remove what begins with ? or #")
    if any(segment in (".", "..") for segment in parts.path.split("/")) or "//" in parts.path:
        raise WrongAddress(f"{url!r}: the path must be plain, without dots and empty parts")
    return url.rstrip("/")
