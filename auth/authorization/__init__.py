"""The authorization request: how it is read and judged, what comes next, and how it is answered. Knows no pages."""
