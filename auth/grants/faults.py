"""What the token endpoint says when a code or a refresh token is not accepted (RFC 6749, 5.2; RFC 8628, 3.5)."""

from __future__ import annotations

from auth.server.faults import OAuthFault


class CodeRefused(OAuthFault):
    """One answer for unknown, used, expired, another client's, another redirect_uri and a wrong verifier."""

    error = "invalid_grant"
    description = (
        "The code is unknown, used or expired, or client, redirect_uri or code_verifier are not its own."
    )


class RefreshRefused(OAuthFault):
    """One answer for unknown, used, expired, ended and another client's."""

    error = "invalid_grant"
    description = "The refresh token is unknown, used or expired, or its grant has ended."


class AuthorizationPending(OAuthFault):
    error = "authorization_pending"
    description = "The person has not answered yet."


class SlowDown(OAuthFault):
    error = "slow_down"
    description = "Ask less often: the interval is now five seconds longer."


class DeviceCodeExpired(OAuthFault):
    error = "expired_token"
    description = "The person did not answer in time. Ask for a new device code."


class DeviceCodeRefused(OAuthFault):
    error = "invalid_grant"
    description = "The device code is unknown, used or another client's."
