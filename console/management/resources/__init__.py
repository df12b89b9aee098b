"""Handlers of the management API, one module per kind of thing: thin over `console.services`."""
