"""Dynamic client registration (RFC 7591) and its management (RFC 7592), guarded by an initial access token."""
