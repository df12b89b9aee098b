"""Where a form may send the browser afterwards: a path of ours, never another host (promise T28)."""

from __future__ import annotations

import re

# One slash first, and no backslash anywhere: browsers read `/\evil.example` and `//evil.example` as other hosts.
_LOCAL = re.compile(
    r"(?:/(?:console|portal)(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?|/oauth2/authorize|/oauth2/logout)"
    r"(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)
LONGEST = 6000  # an app's request is in it when it leads back to that
HOME = "/console/"


def local(path: str | None) -> str:
    """`path` when it is local, else the console's start."""
    if path is None or len(path) > LONGEST or not _LOCAL.fullmatch(path) or "/." in path:
        return HOME
    return path
