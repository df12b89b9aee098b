"""Swedish organisation numbers (Skatteverket, SKV 709): ten digits, the last a Luhn check digit.

A personal identity number has the same length; there the third and fourth digits are a month, so the third is
0 or 1, while an organisation number has at least 2. Sole traders' numbers are thus refused: no personal number may
reach the database (promise P1).
"""

from __future__ import annotations


def normalise(text: str) -> str | None:
    """`556677-8899` → `5566778899`; None when it is no organisation number."""
    stripped = text.strip()
    digits = stripped.replace("-", "", 1) if stripped[6:7] == "-" else stripped
    if len(digits) != 10 or not (digits.isascii() and digits.isdigit()) or digits[2] < "2":
        return None
    return digits if _check(digits) == 0 else None


def _check(digits: str) -> int:
    total = 0
    for place, digit in enumerate(digits):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return total % 10
