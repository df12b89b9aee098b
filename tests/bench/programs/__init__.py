"""What the bench starts as processes of its own."""
