"""A sound body for every operation that takes one, and absent ids of every kind."""

from __future__ import annotations

from console.management.operation import Operation

BODIES: dict[str, dict[str, object]] = {
    "signUp": {"email": "ny@example.org", "name": "Ny", "password": "ett långt lösenord med åäö"},
    "createPersonalToken": {"name": "prov"},
    "createOrganisation": {"name": "Ny AB", "number": "556677-8899", "type": "company"},
    "addMember": {"email": "medlem@example.org", "role": "viewer"},
    "changeRole": {"role": "viewer"},
    "createInvitation": {"email": "inbjuden@example.org", "role": "viewer"},
    "acceptInvitation": {"token": "x" * 43},
    "createApp": {"name": "Prov", "environment": "sandbox"},
    "replaceClient": {"profile": "smart"},
    "createCredential": {},
    "rotateCredentials": {"overlapSeconds": 60},
    "requestSubscription": {"api": "behov/v1", "plan": "prova"},
    "purgeCache": {"api": "behov/v1"},
    "revokeToken": {"jti": "0123456789abcdef", "clientId": "sluss_app_0"},
}

ABSENT = {
    "organisationId": "org_" + "0" * 32,
    "appId": "app_" + "0" * 32,
    "credentialId": "cre_" + "0" * 32,
    "subscriptionId": "sub_" + "0" * 32,
    "personId": "per_" + "0" * 32,
    "invitationId": "inv_" + "0" * 32,
    "sessionId": "ses_" + "0" * 32,
    "tokenId": "pat_" + "0" * 32,
    "api": "finns-inte",
    "version": "v1",
}


def body_of(operation: Operation) -> dict[str, object] | None:
    return None if operation.takes is None else dict(BODIES[operation.id])
