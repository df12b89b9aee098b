"""The process and the line: one passage for every call to a published API."""
