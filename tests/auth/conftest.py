"""The authorization server's fixtures."""

from tests.auth.fixtures import any_platform, platform

__all__ = ["any_platform", "platform"]
