"""Open data about the care units of a fictive region."""
