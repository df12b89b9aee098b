"""Calls held against the API's OpenAPI document: what clients send, and what services answer."""
