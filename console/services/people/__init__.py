"""A person's own security, and how people come into organisations."""
