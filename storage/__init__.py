"""Tables and their queries: the only package that speaks SQL."""
