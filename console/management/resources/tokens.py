"""Revocation of access tokens."""

from __future__ import annotations

from console.errors import FieldFault, Invalid
from console.management.operation import Answer, Call
from console.management.shapes import NewRevocation, RevocationShape, timestamp
from console.services import tokens


async def revoke(call: Call) -> Answer:
    body = call.body_as(NewRevocation)
    if body.token is not None and body.jti is None and body.client_id is None:
        jti = await tokens.revoke_text(
            call.session, call.person, call.desk.authenticator, body.token, now=call.now
        )
    elif body.token is None and body.jti is not None and body.client_id is not None:
        jti = await tokens.revoke_jti(
            call.session, call.person, jti=body.jti, client_id=body.client_id, now=call.now
        )
    else:
        raise Invalid(
            "token or jti",
            fields=[
                FieldFault(
                    "token",
                    "one-of",
                    "Ange antingen token, eller både jti och clientId.",
                    "Give either token, or both jti and clientId.",
                )
            ],
        )
    return Answer(RevocationShape(jti=jti, revoked_at=timestamp(call.now)))
