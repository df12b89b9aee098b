"""The usage ledger: what was called, per hour, as absolute totals. The base of every invoice.

A row's key is the counter epoch it comes from (`source`), the hour, and what was called with which outcome.
Its numbers are the counter's totals so far, so writing a row again, or an older state of it late, changes
nothing. A counter that starts anew after a loss must take a new `source`; sums run over all sources.
"""

from storage.usage.ledger import UsageRow, table, write
from storage.usage.totals import UsageTotal, totals, units_since

__all__ = ["UsageRow", "UsageTotal", "table", "totals", "units_since", "write"]
