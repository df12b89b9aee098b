"""Counters that outlive their process: cells of eight 64-bit integers in a mapped file, and a file of their
names.

Owns the two files, their lock, growth, repair and compaction. Knows nothing of calls, hours or limits.

- `cells` is mapped shared: a store is in the kernel's page cache at once, so kill -9 loses nothing. Its
  blocks are reserved (posix_fallocate) before they are touched: a full disk is an error at growth, not a
  SIGBUS later.
- `names` says what a cell counts, one line each: CRC-32, space, JSON. It only grows by appending; a torn last
  line (kill or full disk in the middle of a write) is cut off. It is rewritten when most of it is history.
- `lock` is held (flock) for as long as the process lives; the kernel lets go of it whatever ends the process.

Loss of power is different: pages may be on disk in any order. The boot's id is stored; cells that were not
closed and come from an earlier boot are kept as they are but `fresh` is set, so that the caller rebuilds from
the ledger and begins a new `source`.
"""

from __future__ import annotations

import errno
import fcntl
import json
import mmap
import os
import secrets
import zlib
from pathlib import Path
from typing import Final

from quota.errors import CountersDamaged, CountersFull, CountersLocked, QuotaError

Name = tuple[str | int, ...]

WORD: Final = 8
CELL_WORDS: Final = 8
HEADER_WORDS: Final = 512
ENTRIES: Final = 16_384
FAILED_BEFORE: Final = 3  # header word: the failed calls before the latest return
LATEST_HOUR: Final = 4  # header word: the latest hour that records were kept for
PROGRESS: Final = 5  # header word: batch of Redis being taken in, and how many of its calls have begun
_CLEAN: Final = 2  # header word: 1 when closed in order
FIRST_ENTRY: Final = HEADER_WORDS
_FIRST_CELL: Final = HEADER_WORDS + ENTRIES * CELL_WORDS
_CHUNK_CELLS: Final = 4_096
_LINES_KEPT: Final = 20_000
_SOURCE: Final = "source"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Cells:
    """The open files. `words` is the whole mapping as signed 64-bit integers; a cell is known by its first
    word.
    """

    def __init__(self, folder: Path, *, capacity: int = 1 << 20) -> None:
        """`capacity` is the most cells there can be; the file is sparse, so room not used costs nothing."""
        self._folder = folder
        self._capacity = capacity
        self.names: dict[Name, int] = {}
        self.source = ""
        self.fresh = False
        self._free: list[int] = []
        self._end = 0  # cells ever given out
        self._reserved = 0  # cells with blocks on disk
        self._lines = 0
        self._lock_fd = self._cells_fd = self._names_fd = -1

    def open(self) -> None:
        """Lock, map and read. CountersLocked, CountersDamaged, CountersFull."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock()
        try:
            self._map()
            self._read_names()
            self._compact()
            self._choose_source()
        except OSError as error:
            self.close()
            raise CountersFull(f"{self._folder}: {error}") from error
        except QuotaError:
            self.close()
            raise

    def close(self) -> None:
        """Write everything to disk and let go of the lock."""
        if self._cells_fd >= 0 and hasattr(self, "words"):
            self.map.flush()
            self.words[_CLEAN] = 1
            self.map.flush()
            self.words.release()
            self.map.close()
            del self.words
        for fd in (self._names_fd, self._cells_fd, self._lock_fd):
            if fd >= 0:
                os.close(fd)
        self._lock_fd = self._cells_fd = self._names_fd = -1

    def assign(self, name: Name) -> int:
        """The first word of the cell of this name, made (all zero) when there is none. CountersFull."""
        word = self.names.get(name)
        if word is not None:
            return word
        index = self._free[-1] if self._free else self._end
        self._reserve(index)
        word = _FIRST_CELL + index * CELL_WORDS
        self.words[word : word + CELL_WORDS] = _ZEROES
        self._append([index, *name])
        if self._free:
            self._free.pop()
        else:
            self._end += 1
        self.names[name] = word
        return word

    def release(self, name: Name) -> None:
        """The name is history and its cell may be used again. CountersFull leaves it as it was."""
        index = (self.names[name] - _FIRST_CELL) // CELL_WORDS
        self._append([index])
        del self.names[name]
        self._free.append(index)
        if self._lines > _LINES_KEPT and self._lines > 4 * len(self.names):
            self._compact()

    def _lock(self) -> None:
        self._lock_fd = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock_fd)
            self._lock_fd = -1
            raise CountersLocked(str(self._folder)) from None

    def _map(self) -> None:
        path = self._folder / "cells"
        self._cells_fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = os.fstat(self._cells_fd).st_size
        length = (_FIRST_CELL + self._capacity * CELL_WORDS) * WORD
        os.posix_fallocate(self._cells_fd, 0, _FIRST_CELL * WORD)
        if size < length:
            os.ftruncate(self._cells_fd, length)
        self.map = mmap.mmap(self._cells_fd, length, mmap.MAP_SHARED)
        self.words = memoryview(self.map).cast("q")

    def _reserve(self, index: int) -> None:
        if index < self._reserved:
            return
        if index >= self._capacity:
            raise CountersFull(f"{self._folder}: all {self._capacity} cells are in use")
        # Always the same pieces, so that a start on a full disk finds the last one whole and needs no more room.
        start = index - index % _CHUNK_CELLS
        chunk = min(_CHUNK_CELLS, self._capacity - start)
        try:
            os.posix_fallocate(
                self._cells_fd, (_FIRST_CELL + start * CELL_WORDS) * WORD, chunk * CELL_WORDS * WORD
            )
        except OSError as error:
            raise CountersFull(f"{self._folder}: {error}") from error
        self._reserved = start + chunk

    def _read_names(self) -> None:
        path = self._folder / "names"
        self._names_fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        data = path.read_bytes()
        live: dict[int, Name] = {}
        whole = 0
        for line in data.splitlines(keepends=True):
            entry = _parse(line)
            if entry is None:
                break
            whole += len(line)
            index, name = entry
            if name:
                live[index] = name
            else:
                live.pop(index, None)
            self._end = max(self._end, index + 1)
        if b"\n" in data[whole:-1]:
            raise CountersDamaged(f"{path}: line at byte {whole} is not the last and cannot be read")
        os.ftruncate(self._names_fd, whole)
        self._free = [index for index in range(self._end) if index not in live]
        self.names = {name: _FIRST_CELL + index * CELL_WORDS for index, name in live.items()}
        if self._end:
            self._reserve(self._end - 1)

    def new_source(self) -> None:
        """Totals begin at zero again, under a new name. CountersFull."""
        for name in [name for name in self.names if name[0] == _SOURCE]:
            self.release(name)
        self.source = secrets.token_hex(8)
        self.assign((_SOURCE, self.source, _boot()))

    def _choose_source(self) -> None:
        known = next((name for name in self.names if name[0] == _SOURCE), None)
        closed = self.words[_CLEAN] == 1
        self.words[_CLEAN] = 0
        if known is not None and (known[2] == _boot() or closed):
            self.source = str(known[1])
            if known[2] != _boot():
                self.release(known)
                self.assign((_SOURCE, self.source, _boot()))
            return
        self.fresh = True
        self.new_source()

    def _compact(self) -> None:
        """The live names alone, in a new file that takes the old one's place in one step. With no room for
        that, history stays.
        """
        temporary = self._folder / "names.new"
        lines = [_line([(word - _FIRST_CELL) // CELL_WORDS, *name]) for name, word in self.names.items()]
        data = b"".join(lines)
        try:
            fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError:
            return
        try:
            if os.write(fd, data) != len(data):
                raise OSError(errno.ENOSPC, "no room")
            os.fsync(fd)
            os.replace(temporary, self._folder / "names")
        except OSError:
            os.close(fd)
            temporary.unlink(missing_ok=True)
            return
        os.close(self._names_fd)
        self._names_fd = fd
        self._lines = len(lines)

    def _append(self, entry: list[str | int]) -> None:
        line = _line(entry)
        before = os.fstat(self._names_fd).st_size
        try:
            if os.write(self._names_fd, line) == len(line):
                self._lines += 1
                return
            reason = "disk full"
        except OSError as error:
            reason = str(error)
        os.ftruncate(self._names_fd, before)  # a torn line in the middle would be damage at the next start
        raise CountersFull(f"{self._folder}: {reason}")


_ZEROES = memoryview(bytes(CELL_WORDS * WORD)).cast("q")


def _boot() -> str:
    """Names this start of the machine; empty where the kernel does not say."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""


def _line(entry: list[str | int]) -> bytes:
    text = json.dumps(entry, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _parse(line: bytes) -> tuple[int, Name] | None:
    """Index and name of one line; an empty name is a release; None when the line is not whole."""
    if len(line) < 11 or line[8:9] != b" " or line[-1:] != b"\n":
        return None
    text = line[9:-1]
    try:
        if int(line[:8], 16) != zlib.crc32(text):
            return None
        entry = json.loads(text)
    except ValueError:
        return None
    return int(entry[0]), tuple(entry[1:])
