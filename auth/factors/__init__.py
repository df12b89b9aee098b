"""The factors a person proves themselves with, and the life of a sign-in."""
