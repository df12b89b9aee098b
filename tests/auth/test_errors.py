"""The tree of errors: codes are unique and stable in form, texts exist in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auth import errors


def tree(root: type[errors.AuthError]) -> Iterator[type[errors.AuthError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def test_each_class_has_its_own_code_and_texts() -> None:
    classes = list(tree(errors.AuthError))
    assert len(classes) > 30
    assert len({one.code for one in classes}) == len(classes)
    for attribute in ("sv", "en"):
        assert len({getattr(one, attribute) for one in classes}) == len(classes)
    for one in classes:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one.code), one
        assert one.sv.endswith(".")
        assert one.en.endswith(".")


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = re.findall(r"^[│├└─ ]*([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)
    assert {one.__name__ for one in tree(errors.AuthError)} == {
        name for name in drawn if hasattr(errors, name)
    }


def test_every_class_can_be_raised_without_arguments_or_with_its_own() -> None:
    for one in tree(errors.AuthError):
        if one is errors.MissingScope:
            made: errors.AuthError = errors.MissingScope({"a:b"})
        elif one is errors.TooManyAttempts:
            made = errors.TooManyAttempts(3)
        else:
            made = one()
        assert made.code == one.code
