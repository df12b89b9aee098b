"""What can go wrong in the database, by what the caller can do about it.

StorageError
├── NotFound        the object is absent, or it is another organisation's: the two look the same
├── AlreadyExists   a unique rule refuses the new row
├── WrongState      the object's life cycle has no such step
├── InvalidValue    the database cannot hold the value (NUL in a text, a number out of range)
└── Unavailable     the database does not answer; nothing was changed, or it cannot be known
    └── Busy        it answers, but the wait for a connection or a lock took too long

Each class has a stable `code` and a public sentence in Swedish and English. `detail` is private: it may name
hosts, columns and constraints, and is for the log only.
"""

from __future__ import annotations

from typing import ClassVar


class StorageError(Exception):
    """Root of the tree; never raised itself."""

    code: ClassVar[str] = "storage-error"
    sv: ClassVar[str] = "Något gick fel när uppgifterna skulle läsas eller sparas."
    en: ClassVar[str] = "Something went wrong when reading or saving data."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class NotFound(StorageError):
    code = "not-found"
    sv = "Objektet finns inte."
    en = "The object does not exist."


class AlreadyExists(StorageError):
    code = "already-exists"
    sv = "Det finns redan ett sådant objekt."
    en = "Such an object already exists."


class WrongState(StorageError):
    code = "wrong-state"
    sv = "Objektet är i ett läge som inte tillåter ändringen."
    en = "The object is in a state that does not allow the change."


class InvalidValue(StorageError):
    code = "invalid-value"
    sv = "Ett värde kan inte sparas."
    en = "A value cannot be stored."


class Unavailable(StorageError):
    code = "storage-unavailable"
    sv = "Databasen svarar inte just nu. Försök igen om en stund."
    en = "The database does not answer right now. Try again in a moment."


class Busy(Unavailable):
    code = "storage-busy"
    sv = "Databasen är hårt belastad just nu. Försök igen om en stund."
    en = "The database is very busy right now. Try again in a moment."
