"""What a request shows as proof of its client, read strictly and believed in nothing (RFC 6749, 2.3; RFC 7521, 4.2).

One way alone: a request that shows two is refused whatever they are worth.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from auth.errors import InvalidProof
from auth.proofs import assertions
from auth.proofs.assertions import Assertion
from auth.proofs.certificates import Certificate
from auth.proofs.key_sets import Key
from auth.server.faults import InvalidClient, RepeatedParameter, SeveralMethods
from auth.server.form import Form

_BASIC = re.compile(r"[Bb][Aa][Ss][Ii][Cc] ([A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True, slots=True)
class Fetched:
    """The keys at a client's address, read before the transaction: nothing slow happens inside one."""

    uri: str
    keys: Sequence[Key] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Presented:
    """`method`: client_secret_basic, client_secret_post, private_key_jwt, or client_id when it only says its name: then
    the connection's certificate proves it, or nothing does.
    """

    client_id: str
    method: str
    secret: str = field(default="", repr=False)
    assertion: Assertion | None = field(default=None, repr=False)
    certificate: Certificate | None = field(default=None, repr=False)
    fetched: Fetched | None = field(default=None, repr=False)


def presented(authorization: list[str], form: Form, certificate: Certificate | None = None) -> Presented:
    """The one proof of a request. Raises RepeatedParameter, SeveralMethods, InvalidClient."""
    if len(authorization) > 1:
        raise RepeatedParameter
    asserted = "client_assertion" in form or "client_assertion_type" in form
    if sum((bool(authorization), "client_secret" in form, asserted)) > 1:
        raise SeveralMethods
    if authorization:
        client_id, secret = _basic(authorization[0])
        if form.get("client_id", client_id) != client_id:
            raise SeveralMethods
        return Presented(client_id, "client_secret_basic", secret, certificate=certificate)
    if asserted:
        return _assertion(form, certificate)
    if "client_id" not in form:
        raise InvalidClient
    method = "client_secret_post" if "client_secret" in form else "client_id"
    return Presented(form["client_id"], method, form.get("client_secret", ""), certificate=certificate)


def _assertion(form: Form, certificate: Certificate | None) -> Presented:
    if form.get("client_assertion_type") != assertions.TYPE:
        raise InvalidClient(f"client_assertion_type must be {assertions.TYPE}.")
    try:
        shown = assertions.shown(form.get("client_assertion", ""))
    except InvalidProof as fault:
        raise InvalidClient(f"The client assertion is not accepted: {fault.detail}.") from None
    # RFC 7521, 4.2: client_id is not needed, but when it is there it must be the same client.
    if form.get("client_id", shown.client_id) != shown.client_id:
        raise SeveralMethods
    return Presented(shown.client_id, "private_key_jwt", assertion=shown, certificate=certificate)


def _basic(authorization: str) -> tuple[str, str]:
    match = _BASIC.fullmatch(authorization)
    if match is None:
        raise InvalidClient
    try:
        text = b64decode(match[1], validate=True).decode()
        name, colon, secret = text.partition(":")
        # Both halves are form-encoded inside Basic (RFC 6749, 2.3.1).
        pair = unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError:
        raise InvalidClient from None
    if not colon:
        raise InvalidClient
    return pair
