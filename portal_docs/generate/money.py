"""Money, counts and time spans as a reader of each language writes them. Amounts are integer öre."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_currency, format_decimal

_LOCALE = {"sv": "sv_SE", "en": "en_GB"}
_PER = {
    "sv": {1: "per sekund", 60: "per minut", 3600: "per timme", 86400: "per dygn"},
    "en": {1: "per second", 60: "per minute", 3600: "per hour", 86400: "per day"},
}


def amount(ore: int, language: str) -> str:
    """`149 kr`, `SEK 149`; öre only when there are any."""
    kronor = Decimal(ore) / 100
    if language == "en":
        return (
            f"SEK {format_decimal(kronor, format='#,##0' if ore % 100 == 0 else '#,##0.00', locale='en_GB')}"
        )
    pattern = "#,##0 ¤" if ore % 100 == 0 else "#,##0.00 ¤"
    return str(format_currency(kronor, "SEK", pattern, locale="sv_SE", currency_digits=False))


def count(number: int, language: str) -> str:
    """`5 000` in Swedish, `5,000` in English."""
    return str(format_decimal(number, locale=_LOCALE[language]))


def per(seconds: int, language: str) -> str:
    """`per sekund`; a span without a name of its own is told in seconds."""
    known = _PER[language].get(seconds)
    if known:
        return known
    return f"per {seconds} sekunder" if language == "sv" else f"per {seconds} seconds"
