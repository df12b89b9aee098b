"""The files of counters: lock, repair, damage, growth, a full disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from quota.counters import cells as module
from quota.counters.cells import Cells, Name
from quota.counters.memory import MemoryCounters
from quota.counters.protocol import Outcome
from quota.errors import CountersDamaged, CountersFull, CountersLocked
from tests.quota.stage import Sum, ask, key, limits, summed, token


def opened(folder: Path, capacity: int = 1 << 16) -> Cells:
    cells = Cells(folder, capacity=capacity)
    cells.open()
    return cells


def test_names_and_values_come_back(tmp_path: Path) -> None:
    cells = opened(tmp_path)
    name: Name = ("usage", "ü\n", 5)
    cells.words[cells.assign(name)] = -7
    source = cells.source
    cells.close()
    cells = opened(tmp_path)
    assert cells.words[cells.names[name]] == -7
    assert cells.source == source
    assert not cells.fresh
    cells.close()


def test_a_new_folder_is_fresh(tmp_path: Path) -> None:
    cells = opened(tmp_path / "a" / "b")
    assert cells.fresh
    cells.close()


def test_one_process_only(tmp_path: Path) -> None:
    cells = opened(tmp_path)
    with pytest.raises(CountersLocked) as raised:
        opened(tmp_path)
    assert "Redis" in raised.value.en
    cells.close()
    opened(tmp_path).close()


def test_a_cell_is_used_again_and_begins_at_zero(tmp_path: Path) -> None:
    cells = opened(tmp_path)
    word = cells.assign(("a",))
    cells.words[word + 7] = 9
    cells.release(("a",))
    assert cells.assign(("b",)) == word
    assert list(cells.words[word : word + 8]) == [0] * 8
    cells.close()
    cells = opened(tmp_path)
    assert ("a",) not in cells.names
    assert cells.names["b",] == word
    cells.close()


@pytest.mark.parametrize("torn", [b"d", b"0badc0de [9", b'0badc0de [9,"x"]\n', b"\n", b"\x00" * 30])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    cells = opened(tmp_path)
    word = cells.assign(("a",))
    cells.close()
    with (tmp_path / "names").open("ab") as file:
        file.write(torn)
    cells = opened(tmp_path)
    assert cells.names["a",] == word
    assert cells.assign(("b",)) != word
    cells.close()
    assert set(opened(tmp_path).names) >= {("a",), ("b",)}


def test_damage_in_the_middle_is_said_and_not_guessed_at(tmp_path: Path) -> None:
    cells = opened(tmp_path)
    cells.assign(("a",))
    cells.assign(("b",))
    cells.close()
    path = tmp_path / "names"
    data = bytearray(path.read_bytes())
    data[3] ^= 1
    path.write_bytes(data)
    with pytest.raises(CountersDamaged):
        opened(tmp_path)
    with pytest.raises(CountersDamaged):  # and the lock was let go
        opened(tmp_path)


def test_history_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LINES_KEPT", 50)
    cells = opened(tmp_path)
    for number in range(2_000):
        cells.assign(("x", number))
        cells.release(("x", number))
    assert (tmp_path / "names").stat().st_size < 10_000
    assert cells._end < 10
    cells.close()
    size = (tmp_path / "names").stat().st_size
    opened(tmp_path).close()
    assert (tmp_path / "names").stat().st_size <= size


def test_all_cells_in_use(tmp_path: Path) -> None:
    cells = opened(tmp_path, capacity=4)
    for number in range(3):
        cells.assign(("x", number))
    with pytest.raises(CountersFull):
        cells.assign(("x", 3))
    cells.release(("x", 0))
    cells.assign(("x", 3))
    cells.close()


def test_another_boot_without_an_orderly_close_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boot = tmp_path / "boot_id"
    monkeypatch.setattr(module, "_BOOT_ID", boot)
    boot.write_text("first\n")
    cells = opened(tmp_path / "c")
    source = cells.source
    cells.close()
    boot.write_text("second\n")
    cells = opened(tmp_path / "c")
    assert (cells.source, cells.fresh) == (source, False)  # closed in order
    os.close(cells._lock_fd)  # and now it is not
    boot.write_text("third\n")
    following = opened(tmp_path / "c")
    assert following.fresh
    assert following.source != source
    following.close()


async def test_a_full_disk_refuses_what_cannot_be_counted_and_mends_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters = MemoryCounters(tmp_path)
    await counters.start()
    counters.keep(token(await ask(counters, limits())))
    write = os.write

    def half(fd: int, data: bytes) -> int:
        write(fd, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    counters.keep(token(await ask(counters, limits())))  # what is known goes on
    refused = await ask(counters, limits("sub_new"))
    assert (refused.allowed, refused.limited_by) == (False, "unavailable")
    assert refused.retry_after > 0
    counters.record(key("sub_new"), Outcome.REFUSED)
    monkeypatch.undo()
    counters.keep(token(await ask(counters, limits("sub_new"))))
    await counters.close()
    following = MemoryCounters(tmp_path)
    await following.start()
    assert summed(following.totals()) == Sum(3, 3, 0, 0, 0, 0)
    await following.close()


async def test_a_disk_that_is_full_when_the_file_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK_CELLS", 4)
    counters = MemoryCounters(tmp_path)
    await counters.start()

    def full(fd: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    answers = [await ask(counters, limits(f"sub_{number}")) for number in range(8)]
    assert any(answer.allowed for answer in answers)
    assert answers[-1].limited_by == "unavailable"
    monkeypatch.undo()
    assert (await ask(counters, limits("sub_7"))).allowed
    await counters.close()


def test_a_full_disk_at_the_start_is_a_clear_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(CountersFull):
        opened(tmp_path)
    monkeypatch.undo()
    opened(tmp_path).close()
