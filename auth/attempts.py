"""Counts attempts per name in fixed windows, in this process, within bounded memory.

For failed proofs of identity: client secrets and people's passwords. Two windows that meet may let through
twice the limit; that is documented and enough, because what is guarded has far more values. Time is given.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """`tries` per `seconds`."""

    tries: int
    seconds: int


class Attempts:
    """One window per name. The name that has been quiet longest goes first when `size` names are known."""

    def __init__(self, allowance: Allowance, *, size: int = 20_000) -> None:
        self._allowance = allowance
        self._size = size
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()  # name → (start, tries)

    def wait(self, name: str, now: float) -> int:
        """Whole seconds until the next try, 0 when one is left."""
        window = self._windows.get(name)
        if window is None:
            return 0
        start, tries = window
        left = start + self._allowance.seconds - now
        # A clock set back must not lengthen the wait beyond one window.
        if tries < self._allowance.tries or left <= 0:
            return 0
        return min(int(left) + 1, self._allowance.seconds)

    def count(self, name: str, now: float) -> int:
        """Notes one try; how many the window holds now."""
        start, tries = self._windows.get(name, (now, 0))
        if not now - start < self._allowance.seconds:
            start, tries = now, 0
        self._windows[name] = (start, tries + 1)
        self._windows.move_to_end(name)
        if len(self._windows) > self._size:
            self._windows.popitem(last=False)
        return tries + 1

    def count_of(self, name: str) -> int:
        """How many tries the newest window holds."""
        return self._windows.get(name, (0.0, 0))[1]

    @property
    def known(self) -> int:
        """How many names are in memory."""
        return len(self._windows)

    def forgive(self, name: str) -> None:
        """Takes one counted try back: it was genuine."""
        window = self._windows.get(name)
        if window is not None:
            start, tries = window
            self._windows[name] = (start, max(tries - 1, 0))


@dataclass(frozen=True, slots=True)
class Guard:
    """Several counters asked together: one name in each."""

    counters: Sequence[Attempts]

    def wait(self, names: Iterable[str], now: float) -> int:
        """The longest wait of all."""
        return max(counter.wait(name, now) for counter, name in zip(self.counters, names, strict=True))

    def count(self, names: Iterable[str], now: float) -> None:
        for counter, name in zip(self.counters, names, strict=True):
            counter.count(name, now)

    def forgive(self, names: Iterable[str]) -> None:
        for counter, name in zip(self.counters, names, strict=True):
            counter.forgive(name)


def network(ip: str) -> str:
    """The name an address is counted under: an IPv6 subscriber has a whole /64, so that is one caller."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "unknown"
    if address.version == 6:
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)
