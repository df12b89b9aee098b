"""The master key's file and sealed keys (promise P12)."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.errors import ExposedMasterKey, UnusableKey
from auth.tokens.vault import load_or_create_master_key, seal, unseal


def test_the_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    key = load_or_create_master_key(path)
    assert len(key) == 32
    assert load_or_create_master_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["master.key"]
    assert key not in path.read_bytes()


def test_many_starts_at_once_read_one_key(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    together = Barrier(16)

    def start(_: int) -> bytes:
        together.wait()
        return load_or_create_master_key(path)

    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(start, range(16)))
    assert len(keys) == 1
    assert os.listdir(tmp_path) == ["master.key"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    load_or_create_master_key(path)
    path.chmod(mode)
    with pytest.raises(ExposedMasterKey, match="chmod 600"):
        load_or_create_master_key(path)


@pytest.mark.parametrize("text", [b"", b"\n", b"short", b"AAAA", b"!" * 44, b"A" * 300, b"\xff" * 32])
def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(UnusableKey):
        load_or_create_master_key(path)
    assert path.read_bytes() == text


@given(st.binary(max_size=500), st.text(max_size=50), st.binary(min_size=32, max_size=32))
def test_what_is_sealed_comes_back(secret: bytes, kid: str, master: bytes) -> None:
    sealed = seal(secret, kid, master)
    assert unseal(sealed, kid, master) == secret
    assert sealed != seal(secret, kid, master)


@given(st.data())
def test_any_change_is_noticed(data: st.DataObject) -> None:
    sealed = seal(b"private", "kid", b"m" * 32)
    at = data.draw(st.integers(0, len(sealed) - 1))
    flipped = bytearray(sealed)
    flipped[at] ^= data.draw(st.integers(1, 255))
    for wrong in (bytes(flipped), sealed[:at], sealed + b"\x00"):
        with pytest.raises(UnusableKey):
            unseal(wrong, "kid", b"m" * 32)
    with pytest.raises(UnusableKey):
        unseal(sealed, "other", b"m" * 32)
