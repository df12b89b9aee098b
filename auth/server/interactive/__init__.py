"""Endpoints of what a person takes part in: authorization, PAR, UserInfo, logout. Their pages are the console's."""
