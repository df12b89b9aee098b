"""What the tokens of a request are bound to: a DPoP key (RFC 9449), a client certificate (RFC 8705, 3), or nothing.

Decided from what the client has registered, what its profile demands and what the request shows. A proof is spent here,
when the client is known, so that nobody spends another one's.
"""

from __future__ import annotations

from typing import Final

from auth.principal import Confirmation
from auth.profiles import PROFILES
from auth.proofs.dpop import KEPT
from auth.proofs.nonces import Nonces
from auth.server.call import Call
from auth.server.clients import Client
from auth.server.faults import InvalidDpopProof, UnboundRequest, UseDpopNonce
from storage.proofs import seen

TOKEN_ENDPOINT: Final = "/oauth2/token"  # noqa: S105 - an address


async def bound(call: Call, client: Client, nonces: Nonces) -> Confirmation:
    """What is shown is always taken; that it is there is demanded where tokens are given, and not of a pushed request
    (RFC 9449, 10.1). Raises InvalidDpopProof, UseDpopNonce, UnboundRequest.
    """
    await _spend(call, client, nonces)
    key = "" if call.proof is None else call.proof.thumbprint
    if call.address.endswith(TOKEN_ENDPOINT):
        _demand(call, client, key)
    registered, shown = client.metadata, call.shown.certificate
    constrained = PROFILES[registered.profile].bound_tokens and not key
    by_certificate = constrained or registered.tls_client_certificate_bound_access_tokens
    return Confirmation(key, shown.thumbprint if shown is not None and by_certificate else "")


def _demand(call: Call, client: Client, key: str) -> None:
    registered, shown = client.metadata, call.shown.certificate
    if registered.dpop_bound_access_tokens and not key:
        raise UnboundRequest(
            "This client's tokens are bound by DPoP: send a proof in the header DPoP, "
            "or change dpop_bound_access_tokens."
        )
    if registered.tls_client_certificate_bound_access_tokens and shown is None:
        raise UnboundRequest(
            "This client's tokens are bound to its certificate: call over mutual TLS, "
            "or change tls_client_certificate_bound_access_tokens."
        )
    if PROFILES[registered.profile].bound_tokens and not key and shown is None:
        raise UnboundRequest(
            f"The profile {registered.profile} gives bound tokens only: send a DPoP proof or call over mutual TLS, "
            "or change the client's profile."
        )


async def _spend(call: Call, client: Client, nonces: Nonces) -> None:
    proof = call.proof
    if proof is None:
        return
    if proof.nonce is None and PROFILES[client.metadata.profile].dpop_nonce:
        raise UseDpopNonce
    if proof.nonce is not None and not nonces.accepts(proof.nonce, call.now):
        raise UseDpopNonce
    if not await seen.first_use(call.session, proof.name, call.now + KEPT):
        raise InvalidDpopProof("The DPoP proof has been used before: make a new one for each request.")
