"""Publication files become one frozen catalogue: load, validate, lint, watch."""
