"""The tree of faults: codes are stable and each has its sentence in both languages."""

from __future__ import annotations

from quota import errors
from quota.errors import QuotaError


def tree() -> list[type[QuotaError]]:
    return [QuotaError, *QuotaError.__subclasses__()]


def test_every_class_has_its_own_code_and_sentences() -> None:
    classes = tree()
    assert len({each.code for each in classes}) == len(classes)
    assert len({each.sv for each in classes}) == len(classes)
    for each in classes:
        assert each.code.replace("-", "").islower()
        assert each.sv != each.en
        assert each.sv.endswith(".")
        assert each.en.endswith(".")


def test_the_docstring_draws_every_class() -> None:
    assert errors.__doc__ is not None
    for each in tree():
        assert each.__name__ in errors.__doc__


def test_detail_is_kept_apart() -> None:
    assert QuotaError("redis://secret").detail == "redis://secret"
    assert "redis" not in QuotaError("redis://secret").en
