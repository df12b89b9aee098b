"""What a call on the line shows for a bound token, handed to `auth.possession`, and the question whether it is new.

Owns nothing of the rules. Knows where a request keeps its proof, its certificate and its address.
"""

from __future__ import annotations

from collections.abc import Callable

from auth.errors import AuthError, BoundToken, ProofsUnavailable, ReusedProof
from auth.possession import Possession
from auth.principal import Principal
from auth.proofs.dpop import Proof
from gateway.edge.request import Request
from gateway.proofs.protocol import Use, UsedProofs


class Bound:
    """`issuer` is the public base URL: proofs may name it whichever of our names was called."""

    def __init__(self, issuer: str, used: UsedProofs) -> None:
        self._issuer = issuer
        self._used = used
        self._possession = Possession()

    def prove(
        self, bound: BoundToken, request: Request, method: str, path: str, now: float
    ) -> tuple[Principal, Proof | None]:
        """The caller, and the proof that is still to be `once`. Raises subclasses of InvalidToken."""
        if bound.principal is None or request.authorization is None:
            raise bound
        certificate, authority = request.client_certificate, request.authority.decode("latin-1")
        called = f"{'https' if request.secure else 'http'}://{authority}{path}"
        proof = self._possession.proof(
            bound.principal,
            request.authorization,
            request.fields(b"dpop"),
            certificate=certificate.der if certificate is not None else None,
            method=method,
            addresses=(f"{self._issuer}{path}", called),
            now=now,
        )
        if proof is not None:
            request.memory = (
                None  # the next call with this very head is a replay, and nothing may be known of it
            )
        return bound.principal, proof

    def once(
        self, proof: Proof, now: float, go_on: Callable[[], None], refuse: Callable[[AuthError], None]
    ) -> None:
        """Goes on when nobody has used the proof before. One of the two is called, at once or later."""

        def answered(use: Use) -> None:
            if use is Use.FIRST:
                go_on()
            else:
                refuse(ReusedProof() if use is Use.AGAIN else ProofsUnavailable())

        self._used.use(proof.name, proof.issued_at, now, answered)
