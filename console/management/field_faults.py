"""pydantic's findings as field faults in both languages; its own messages are English only and may repeat the input,
which can be a password."""

from __future__ import annotations

from pydantic import ValidationError

from console.errors import FieldFault

MOST = 20

SENTENCES: dict[str, tuple[str, str, str]] = {
    "missing": ("missing", "Fältet saknas.", "The field is missing."),
    "extra_forbidden": ("unknown-field", "Fältet finns inte här.", "There is no such field here."),
    "string_too_short": ("too-short", "Värdet är för kort.", "The value is too short."),
    "string_too_long": ("too-long", "Värdet är för långt.", "The value is too long."),
    "string_pattern_mismatch": ("wrong-form", "Värdet har fel form.", "The value is malformed."),
    "value_error": (
        "wrong-characters",
        "Värdet har otillåtna tecken.",
        "The value has forbidden characters.",
    ),
    "literal_error": (
        "not-a-choice",
        "Välj ett av de värden som finns.",
        "Choose one of the values there are.",
    ),
    "greater_than_equal": ("too-small", "Talet är för litet.", "The number is too small."),
    "less_than_equal": ("too-large", "Talet är för stort.", "The number is too large."),
}
OTHERWISE = ("wrong-type", "Värdet har fel typ.", "The value has the wrong type.")


def faults_of(error: ValidationError) -> list[FieldFault]:
    """At most MOST faults; a field's name is its place in the body, cut to 100 characters."""
    found = []
    for item in error.errors(include_url=False, include_context=False, include_input=False)[:MOST]:
        code, sv, en = SENTENCES.get(item["type"], OTHERWISE)
        name = ".".join(str(part) for part in item["loc"])[:100]
        found.append(FieldFault(name, code, sv, en))
    return found


def fault(name: str, kind: str) -> FieldFault:
    """One fault of a kind in the table."""
    code, sv, en = SENTENCES[kind]
    return FieldFault(name, code, sv, en)
