"""Which pool a call goes to: one pool per upstream address, shared by every API that names it alike.

Owns the making of pools and groups, and the closing of those that no publication names any more. The choice within
a group is `group`'s, the pools themselves are `pool`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from gateway.catalog.model import Balancing, Catalog
from gateway.catalog.model import Upstream as Place
from gateway.edge.clock import Clock
from gateway.edge.order import Order, Terms
from gateway.edge.request import Request
from gateway.proxy.address import Address
from gateway.proxy.checker import Checker
from gateway.proxy.dialling.dialler import Dialler
from gateway.proxy.dialling.names import Names
from gateway.proxy.dialling.secure import Contexts
from gateway.proxy.group import Choice, Group
from gateway.proxy.pool import PoolLimits, Upstream
from gateway.proxy.response import AnswerReader

# 20 s: with a hanging database the control plane answers 503 by itself, in 17 at most.
CONTROL_TERMS: Final = Terms(1 << 20, first_byte_timeout=20.0, pass_authorization=True, pass_cookies=True)


class Pools:
    """Makes the pool of a place. `own_ports` are this machine's own of the gateway: no publication leads there."""

    def __init__(self, clock: Clock, reader: AnswerReader, own_ports: frozenset[int] = frozenset()) -> None:
        self._clock = clock
        self._reader = reader
        self._own_ports = own_ports
        self._contexts = Contexts()

    def control(self, url: str) -> Upstream:
        """The control plane itself, on a port that publications may not name."""
        return Upstream(url, self._clock, self._reader)

    def __call__(self, place: Place) -> Upstream:
        address, standard = Address.parse(place.url), PoolLimits()
        limits = replace(
            standard,
            connections=standard.connections if place.connections is None else place.connections,
            waiting=standard.waiting if place.waiting is None else place.waiting,
        )
        names = Names(address.host, address.port, self._clock, own_ports=self._own_ports)
        dialler = Dialler(address, self._clock, self._contexts, place.tls, names)
        return Upstream(place.url, self._clock, self._reader, limits, dialler)


Key = tuple[tuple[Place, ...], Balancing]


class Upstreams:
    """`control_url` is the control plane, which is reached as one more upstream."""

    def __init__(self, control_url: str, pools: Pools, clock: Clock) -> None:
        self._make = pools
        self._clock = clock
        self._pools: dict[Place, Upstream] = {}
        self._groups: dict[Key, Group] = {}
        self._checkers: dict[Place, Checker] = {}
        self.control = pools.control(control_url)

    def of(self, choice: Choice) -> Group:
        """The group for the calls of one environment of an API; there is at least one place."""
        return choice.group or self._bind(choice)

    def to_control(self, request: Request, injected: bytes, told: bytes) -> Order:
        """The control plane as one more upstream: its links and cookies are for the host outside."""
        return Order(self.control, request.target, CONTROL_TERMS, injected, told, host=request.authority)

    def follow(self, catalog: Catalog) -> None:
        """Close the pools of addresses that left the catalogue, calls under way end undisturbed; check those that
        are to be checked. On the loop.
        """
        named = {
            (places, api.balancing) for api in catalog.apis.values() for places in api.upstreams.values()
        }
        for key in self._groups.keys() - named:
            del self._groups[key]
        alone = {_alone(place) for places, _ in named for place in places}
        for place in self._pools.keys() - alone:
            self._pools.pop(place).close()
            if place in self._checkers:
                self._checkers.pop(place).stop()
        for place in alone - self._checkers.keys():
            if place.health is not None:
                checker = Checker(self._of(place), place.health, lambda: self._clock.now)
                self._checkers[place] = checker
                checker.start()

    def sweep(self, now: float) -> None:
        self.control.sweep(now)
        for pool in list(self._pools.values()):
            pool.sweep(now)
        for group in list(self._groups.values()):
            group.sweep(now)

    def all(self) -> Sequence[Upstream]:
        return (self.control, *self._pools.values())

    def groups(self) -> Sequence[Group]:
        return tuple(self._groups.values())

    def close(self) -> None:
        for checker in self._checkers.values():
            checker.stop()
        for pool in self.all():
            pool.close()

    def _bind(self, choice: Choice) -> Group:
        key = choice.places, choice.balancing
        group = self._groups.get(key)
        if group is None:
            members = [(self._of(place), place.weight) for place in choice.places]
            group = self._groups[key] = Group(members, self._clock, choice.balancing)
        choice.group = group
        return group

    def _of(self, place: Place) -> Upstream:
        alone = _alone(place)
        found = self._pools.get(alone)
        if found is None:
            found = self._pools[alone] = self._make(alone)
        return found


def _alone(place: Place) -> Place:
    """What decides about its connections: all but its share."""
    return replace(place, weight=1)
