"""The endpoints at which a person is shown something. Their pages are the console's."""

from __future__ import annotations

from dataclasses import dataclass

from auth.server.interactive.authorize import AuthorizationEndpoint
from auth.server.interactive.device import DeviceAnswers
from auth.server.interactive.logout import LogoutEndpoint


@dataclass(frozen=True, slots=True)
class PersonEndpoints:
    authorize: AuthorizationEndpoint
    logout: LogoutEndpoint
    device: DeviceAnswers
