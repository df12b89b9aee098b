"""The management API under `/management/v1`: everything the console can do, for programs.

One table of operations (`console.management.operations`) is both the router and the OpenAPI document.
"""
