"""Answers with the call that arrived."""
