"""How much, and what it costs."""
