"""Faults of the counters and the ledger.

QuotaError
├── CountersLocked        another process has this folder of counters
├── CountersDamaged       a file of counters cannot be read
├── CountersFull          no room for a new counter: disk or table full
├── CountersUnreachable   Redis does not answer
└── LedgerUnreachable     the quotas cannot be rebuilt, since the ledger cannot be read

A refusal is no fault: it is a `Decision`. These reach an operator at the start, in `doctor` and in the log;
on the line the counters turn them into the decision "unavailable". `detail` is private.
"""

from __future__ import annotations

from typing import ClassVar


class QuotaError(Exception):
    """Root. `code`, `sv` and `en` are public; `detail` is for the log."""

    code: ClassVar[str] = "quota"
    sv: ClassVar[str] = "Räkningen av anrop är inte tillgänglig just nu."
    en: ClassVar[str] = "The counting of calls is not available right now."

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class CountersLocked(QuotaError):
    code = "counters-locked"
    sv = "En annan process använder redan dessa räknare. Flera processer kräver Redis."
    en = "Another process already uses these counters. Several processes need Redis."


class CountersDamaged(QuotaError):
    code = "counters-damaged"
    sv = "Filerna med räknare går inte att läsa. Flytta undan dem, så byggs de upp igen ur liggaren."
    en = "The counter files cannot be read. Move them away, and they are rebuilt from the ledger."


class CountersFull(QuotaError):
    code = "counters-full"
    sv = "Det finns inte plats för nya räknare. Frigör diskutrymme."
    en = "There is no room for new counters. Free disk space."


class CountersUnreachable(QuotaError):
    code = "counters-unreachable"
    sv = "Redis svarar inte."
    en = "Redis does not answer."


class LedgerUnreachable(QuotaError):
    code = "ledger-unreachable"
    sv = "Liggaren i databasen går inte att läsa."
    en = "The ledger in the database cannot be read."
