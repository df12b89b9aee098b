"""A stand-in for curl on a machine without one: the few options the portal's samples use. For `sluss demo` only."""

from __future__ import annotations

import sys

import httpx


def main() -> None:
    """`curl [-s] [-f] [-X M] [-u id:secret] [-H 'Name: value'] [-d body] URL`"""
    words = iter(sys.argv[1:])
    method, url, data, auth = "", "", [], None
    headers: dict[str, str] = {}
    for word in words:
        if word in ("-s", "-S", "-f", "-sS", "-fsS", "--silent", "--fail", "-i"):
            continue
        if word in ("-X", "--request"):
            method = next(words)
        elif word in ("-u", "--user"):
            name, _, secret = next(words).partition(":")
            auth = (name, secret)
        elif word in ("-H", "--header"):
            name, _, value = next(words).partition(":")
            headers[name.strip()] = value.strip()
        elif word in ("-d", "--data", "--data-urlencode", "--data-raw"):
            data.append(next(words))
        else:
            url = word
    if data:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    answer = httpx.request(
        method or ("POST" if data else "GET"),
        url,
        headers=headers,
        content="&".join(data).encode() if data else None,
        auth=auth,
        trust_env=False,
    )
    sys.stdout.write(answer.text)
