"""That the caller of a bound token holds what it is bound to: the resource server's side of RFC 9449 and RFC 8705.

Goes on where `auth.authenticate` refused. Pure but for remembered keys; that a DPoP proof is used once is asked of a
store by the line, last of all, so that only what else is right takes room there.
"""

from __future__ import annotations

from collections.abc import Sequence

from auth.errors import ForeignCertificate, InvalidProof, MissingProof
from auth.principal import Principal
from auth.proofs.certificates import thumbprint
from auth.proofs.dpop import Proof, ProofReader


class Possession:
    def __init__(self) -> None:
        self._reader = ProofReader()

    def proof(
        self,
        principal: Principal,
        authorization: bytes,
        lines: Sequence[bytes],
        *,
        certificate: bytes | None,
        method: str,
        addresses: Sequence[str],
        now: float,
    ) -> Proof | None:
        """The DPoP proof, still to be asked whether it is new; None where a certificate is enough. `lines` are the
        values of the header DPoP, `certificate` DER, `addresses` scheme, host and path as the client may have called
        them. Raises subclasses of InvalidToken.
        """
        bound = principal.confirmation
        if bound.certificate and (certificate is None or thumbprint(certificate) != bound.certificate):
            raise ForeignCertificate
        if not bound.key:
            return None
        # The token's form has been verified already; which scheme it came under has not.
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"dpop":
            raise MissingProof("a bound token shown as Bearer")
        proof = self._reader.read(
            [line.decode("latin-1") for line in lines],
            method=method,
            addresses=addresses,
            now=now,
            token=token,
        )
        if proof.thumbprint != bound.key:
            raise InvalidProof("the proof is signed by another key than the token is bound to")
        return proof
