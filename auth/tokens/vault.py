"""Private keys and shared secrets at rest: AES-256-GCM under a master key that is kept in a file outside the database.

A copy of the database alone signs nothing. Each sealed key is bound to its `kid`, so one row's key cannot be
put into another.
"""

from __future__ import annotations

import os
import secrets
import stat
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from auth.errors import ExposedMasterKey, UnusableKey

_OCTETS = 32
_NONCE = 12
_VERSION = b"\x01"  # of the sealed form, so that a later one can stand beside it
SIGNING_KEYS = b"sluss signing keys v1"
ONE_TIME_CODES = b"sluss one-time codes v1"
DPOP_NONCES = b"sluss dpop nonces v1"


def load_or_create_master_key(path: Path) -> bytes:
    """The master key in `path`, made on the first call. Raises UnusableKey, ExposedMasterKey, OSError.

    Any number of processes may start at once: the file appears whole or not at all, and all read the same.
    """
    if not path.exists():
        _create(path)
    return _load(path)


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(b64encode(secrets.token_bytes(_OCTETS)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # unlike rename it never replaces: the first process wins
        except FileExistsError:
            return
        _sync_folder(path.parent)  # a key that is lost at power failure takes all sealed keys with it
    finally:
        draft.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _load(path: Path) -> bytes:
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise ExposedMasterKey(f"{path} has mode {mode:04o}; run: chmod 600 {path}")
        text = file.read(256)
    try:
        key = b64decode(text.strip(), validate=True)
    except ValueError:
        raise UnusableKey(f"{path} is not base64") from None
    if len(key) != _OCTETS:
        raise UnusableKey(f"{path} does not hold {_OCTETS} octets")
    return key


def seal(secret: bytes, kid: str, master_key: bytes, purpose: bytes = SIGNING_KEYS) -> bytes:
    """Bound to `kid`, the row's name, and to its purpose."""
    nonce = secrets.token_bytes(_NONCE)
    return _VERSION + nonce + AESGCM(derived(master_key, purpose)).encrypt(nonce, secret, kid.encode())


def unseal(sealed: bytes, kid: str, master_key: bytes, purpose: bytes = SIGNING_KEYS) -> bytes:
    """Raises UnusableKey: another master key, another kid, or damage. They cannot be told apart."""
    if sealed[:1] != _VERSION:
        raise UnusableKey(f"key {kid}: unknown sealed form")
    nonce, text = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        return AESGCM(derived(master_key, purpose)).decrypt(nonce, text, kid.encode())
    except (InvalidTag, ValueError):
        raise UnusableKey(f"key {kid}: wrong master key, or damaged") from None


def derived(master_key: bytes, purpose: bytes) -> bytes:
    """One master key, one purpose per derived key: no use shares key material with another."""
    return HKDF(algorithm=SHA256(), length=_OCTETS, salt=None, info=purpose).derive(master_key)
