"""Units used per subscription in a day and a month, in cells: the quota side of a counter store in this
process.

Owns the layout of an account's cell: two days and two months, each as id and units, so that the window before
the present one can still be given back to. Does not decide anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from quota.counters.calls import Place
from quota.counters.cells import Cells
from quota.counters.protocol import Used
from quota.window import Windows

_ACCOUNT: Final = "account"
_DAY: Final = 0
_MONTH: Final = 4

# Kinds of windows in `standing`.
DAY_WINDOW: Final = 2
MONTH_WINDOW: Final = 3


class Account:
    """One subscription. `place` has the words of units in the present windows, as of `turn`."""

    __slots__ = ("arrival_ns", "cell", "place", "turn")

    def __init__(self, cell: int) -> None:
        self.cell = cell
        self.place = Place(cell + _DAY + 1, cell + _MONTH + 1, 0, 0)
        self.arrival_ns = 0  # GCRA, on the boot clock; not kept over a restart
        self.turn = -1


class Accounts:
    """All accounts over one folder of cells. `turn` counts the changes of windows; an account behind it moves
    on.
    """

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self.present: dict[str, Account] = {}
        self.windows = Windows(0, 0, 0, 0, 0, 0)
        self.turn = 0

    def move_to(self, windows: Windows) -> None:
        """These are the windows now."""
        if windows != self.windows:
            self.windows = windows
            self.turn += 1

    def of(self, subscription_id: str) -> Account:
        """The account, opened when it is new and standing in the present windows. CountersFull."""
        account = self.present.get(subscription_id)
        if account is None:
            account = Account(self._cells.assign((_ACCOUNT, subscription_id)))
            self.present[subscription_id] = account
        if account.turn != self.turn:
            day_id, month_id = self.windows.day_id, self.windows.month_id
            account.place = Place(
                self._stand(account.cell + _DAY, day_id),
                self._stand(account.cell + _MONTH, month_id),
                day_id,
                month_id,
            )
            account.turn = self.turn
        return account

    def rebuild(self, used: Mapping[str, Used]) -> None:
        """At least these units are used in the present windows. CountersFull."""
        words = self._cells.words
        for subscription_id, units in used.items():
            day, month, _, _ = self.of(subscription_id).place
            words[day] = max(words[day], units.day)
            words[month] = max(words[month], units.month)

    def standing(self) -> Iterator[tuple[tuple[str, int, int], int]]:
        """(subscription, kind of window, window id) with its units, for every window known."""
        words = self._cells.words
        for name, cell in self._cells.names.items():
            if name[0] == _ACCOUNT:
                for kind, pair in ((DAY_WINDOW, cell + _DAY), (MONTH_WINDOW, cell + _MONTH)):
                    for place in (pair, pair + 2):
                        if words[place]:
                            yield (str(name[1]), kind, words[place]), words[place + 1]

    def forget_before(self, month_id: int) -> None:
        """Accounts that were last used before `month_id` make room; a new use opens them anew."""
        words = self._cells.words
        for name, cell in list(self._cells.names.items()):
            if name[0] == _ACCOUNT and max(words[cell + _MONTH], words[cell + _MONTH + 2]) < month_id:
                self._cells.release(name)
                self.present.pop(str(name[1]), None)

    def _stand(self, pair: int, window_id: int) -> int:
        """The word of units of this window, in the older of the two places when it has none yet."""
        words = self._cells.words
        for place in (pair, pair + 2):
            if words[place] == window_id:
                return place + 1
        place = pair if words[pair] <= words[pair + 2] else pair + 2
        words[place + 1] = 0  # units first: killed in between, an old window is empty and nothing is free
        words[place] = window_id
        return place + 1
