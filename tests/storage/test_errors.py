"""The error tree is what its docstring draws, and each class can be told and shown."""

from __future__ import annotations

import re

from storage import errors
from storage.errors import StorageError


def every_class(root: type[StorageError] = StorageError) -> list[type[StorageError]]:
    return [root, *(deeper for child in root.__subclasses__() for deeper in every_class(child))]


def test_the_docstring_draws_every_class() -> None:
    drawn = re.findall(r"^[│├└─ ]*([A-Z]\w+)", (errors.__doc__ or "").split("Each class")[0], re.MULTILINE)
    assert sorted(drawn[1:]) == sorted(kind.__name__ for kind in every_class())


def test_each_class_has_a_code_of_its_own_and_both_languages() -> None:
    kinds = every_class()
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)
        assert {"code", "sv", "en"} <= vars(kind).keys(), f"{kind.__name__} borrows its parent's words"
        assert kind.sv.endswith(".")
        assert kind.en.endswith(".")
        assert kind.sv != kind.en


def test_the_detail_is_private() -> None:
    error = errors.Unavailable("ConnectionRefusedError: 10.0.0.7")
    assert error.detail == "ConnectionRefusedError: 10.0.0.7"
    assert "10.0.0.7" not in error.sv + error.en
