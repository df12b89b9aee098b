"""One call at the cache: is there an answer for it, and may the one that comes from the service be kept?

Stands after "limit" and before "proxy": who calls and whether they may has been decided for this very call. An answer
that was cut is never kept (promise H31), nor one whose publication or address changed while it came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from time import monotonic

from gateway.cache import conditions, storing
from gateway.cache.freshness import (
    Directives,
    current_age,
    directives,
    fields_of,
    initial_age,
    lifetime,
    seconds,
)
from gateway.cache.kept import Kept, answer_of, head_of, sets_cookie
from gateway.cache.key import Rule, key_of, selected
from gateway.cache.store import Entry, Store
from gateway.edge.errors import EdgeFault, UpstreamFault
from gateway.edge.order import Order
from gateway.edge.request import Request
from gateway.headers import Caller
from gateway.proxy.response import Answer


class Visit:
    """`time` is epoch seconds, `began` the same moment by `clock`, which never jumps."""

    __slots__ = (
        "_asked", "_body", "_caller", "_clock", "_order", "_rule", "_said", "_size", "_store", "_told", "_waited",
        "_why", "began", "filling", "key", "request", "stale", "time", "void",
    )  # fmt: skip

    def __init__(
        self,
        store: Store,
        rule: Rule,
        request: Request,
        caller: Caller,
        time: float,
        began: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._rule = rule
        self.request = request
        self._caller = caller
        self.time = time
        self.began = began
        self._clock = clock
        self.key = key_of(rule, request, caller)
        self._asked = fields_of(request.forwarded_lines)
        said = self._asked.get(b"cache-control")
        self._said: Directives = directives(said) if said else {}
        if not said and b"no-cache" in b",".join(self._asked.get(b"pragma", ())).lower():
            self._said = {"no-cache": None}
        self._why = ""
        self._waited = False
        self._told = b""
        self._order: Order | None = None
        self.stale: Entry | None = None
        self.filling: Entry | None = None
        self._body: list[bytes] = []
        self._size = 0
        self.void = False

    # --- before the service

    def find(self) -> Kept | None:
        """The kept answer for this call, if there is one."""
        entry = self._entry()
        if entry is not None and (fresh := self._fresh(entry)) > 0:
            self._store.used(entry)
            self._store.hits += 1
            return self._kept(
                entry, b"hit; ttl=%d%b" % (fresh, b"; detail=collapsed" if self._waited else b"")
            )
        self.stale = entry
        return None

    def wait(self, resume: Callable[[], None]) -> bool:
        """For an equal call that is under way; then `resume` is called once, later, to look again."""
        if self._waited or self._why == "bypass" or self._said:
            return False
        self._waited = self._store.equals.wait(self.key, resume)
        return self._waited

    @property
    def only_kept(self) -> bool:
        """Does the client want no other?"""
        return "only-if-cached" in self._said

    def accompany(self, order: Order) -> None:
        """Watches the answer to this order, and asks by what a stale answer has to ask by."""
        self._order, self._told, order.watch = order, order.response_lines, self
        self._store.misses += 1
        self._store.begin(self)
        if self.stale is not None and self.stale.stale_if_error:
            order.declines = self._declines
        if self.request.method == "GET" and self._why != "bypass" and storing.may_lead(self.request):
            self._store.equals.lead(self.key, self, self.began)
        if self.stale is not None and (asks := conditions.revalidation(self.stale.fields)):
            order.injected += asks
            order.unsent = conditions.CONDITIONS

    def _entry(self) -> Entry | None:
        """The variant that fits; `_why` says in RFC 9211's words why the call goes on without one."""
        if "no-store" in self._said or self.request.has_body or not storing.PASSED_BY.isdisjoint(self._asked):
            self._why = "bypass"
            return None
        variants = self._store.variants(self.key)
        self._why = "vary-miss" if variants else "uri-miss"
        for entry in reversed(variants):
            if self._selected(entry.vary) == entry.selected:
                return entry
        return None

    def _fresh(self, entry: Entry) -> int:
        """Seconds the entry may still be used for this request; 0 or less: not without asking."""
        age = current_age(entry.initial_age, entry.born, self.began)
        left = entry.lifetime - age
        self._why = "stale"
        if left > 0:
            wanted = left - seconds(self._said["min-fresh"]) if "min-fresh" in self._said else left
            if "max-age" in self._said:
                wanted = min(wanted, seconds(self._said["max-age"]) - age)
            if wanted > 0 and "no-cache" not in self._said:
                return int(left) + 1 if left < 1 else int(left)
            self._why = "request"
        return 0

    def _kept(self, entry: Entry, how: bytes) -> Kept:
        age = int(current_age(entry.initial_age, entry.born, self.began))
        told = b"Age: %d\r\nCache-Status: sluss; %b\r\n" % (age, how)
        if entry.status == 200 and conditions.not_modified(self._asked, entry.fields):
            return Kept(304, head_of(304, conditions.shortened(entry.lines)) + told, b"")
        head = head_of(entry.status, entry.lines) + told
        if entry.status != 204:
            head += b"Content-Length: %d\r\n" % len(entry.body)
        return Kept(entry.status, head, b"" if self.request.method == "HEAD" else entry.body)

    def rescue(self, fault: EdgeFault) -> Kept | None:
        """The stale answer when the service failed and said beforehand that it may stand in (RFC 5861, 4); here with
        what the line adds.
        """
        entry = self.stale
        if entry is None or not isinstance(fault, UpstreamFault) or not self._may_stand_in(entry):
            return None
        kept = self._kept(entry, b"hit; ttl=%d; detail=stale-if-error" % -int(self._over(entry) + 1))
        return replace(kept, head=kept.head + self._told)

    def _over(self, entry: Entry) -> float:
        return current_age(entry.initial_age, entry.born, self._clock()) - entry.lifetime

    def _may_stand_in(self, entry: Entry) -> bool:
        asked_anew = "no-cache" in self._said or "max-age" in self._said
        return not self.void and not asked_anew and self._over(entry) <= entry.stale_if_error

    def _declines(self, status: int) -> bool:
        return status in storing.FAILURES and self.stale is not None and self._may_stand_in(self.stale)

    # --- the answer passes

    def begin(self, answer: Answer) -> tuple[Answer, bytes] | None:
        """The head: to be kept or not. A 304 to our own question gives what it stands for instead."""
        now = self._clock()
        received, delay = self.time + (now - self.began), now - self.began
        stale = self.stale
        asked = stale is not None and conditions.revalidation(stale.fields) != b""
        if stale is not None and asked and answer.status == 304:
            return self._refresh(stale, answer, received, delay, now)
        if self.request.method != "GET" or self._why == "bypass":
            self._tell("")
            return None
        lines = self._lines(answer, received)
        entry = self._judged(answer.status, lines, answer, received, delay, now)
        if sets_cookie(answer) or (answer.length or 0) > self._store.entry_limit:
            entry = None
        self.filling = entry
        if entry is None or not entry.lifetime:
            self._store.equals.fruitless(self.key, self, now)
        self._tell("; stored" if entry is not None else "")
        return None

    def content(self, data: bytes) -> None:
        if self.filling is None:
            return
        self._size += len(data)
        room = self._store.fill(self._caller.principal.organisation_id, len(data))
        self._body.append(data)
        if self._size > self._store.entry_limit or not room:
            self._abandon()
            self._store.equals.fruitless(self.key, self, self._clock())

    def end(self, whole: bool) -> None:
        entry, body = self.filling, self._body
        self._abandon()
        if entry is not None and whole and not self.void:
            entry.body = b"".join(body)
            entry.size += len(entry.body)
            self._store.put(entry)
        self._store.equals.over(self.key, self)

    def close(self) -> None:
        """The call is over, whatever came of it."""
        self._abandon()
        self._store.end(self)
        self._store.equals.over(self.key, self)
        self._order = None

    # --- within

    def _selected(self, vary: tuple[bytes, ...]) -> tuple[bytes, ...]:
        return selected(vary, self._asked, self._caller)

    def _lines(self, answer: Answer, received: float) -> list[bytes]:
        """The header lines as clients get them, but for Age."""
        gone = self._rule.replaced | {b"age"}
        lines = [line for line in answer.lines[1:] if line.partition(b":")[0].lower() not in gone]
        if not answer.dated:
            lines.append(b"Date: " + formatdate(received, usegmt=True).encode("ascii"))
        return lines

    def _judged(
        self, status: int, lines: list[bytes], answer: Answer, received: float, delay: float, now: float
    ) -> Entry | None:
        """The entry these lines may become, without its body; None when the answer is not to be kept. `answer` is
        what came just now: its Age counts, which `lines` do not have.
        """
        fields = fields_of([*lines, *self._rule.added.split(b"\r\n")])
        said, vary = directives(fields.get(b"cache-control", ())), storing.varied(fields)
        fresh = lifetime(said, fields, received)
        if (
            vary is None
            or fresh is None
            or not (fresh or storing.has_validator(fields))
            or not storing.may_keep(status, said, self._rule.shared)
            or not storing.is_keyed(self.request.forwarded_lines, vary)
            or b"content-range" in fields
            or self.request.cookies is not None
        ):
            return None
        entry = Entry(self.key, status, lines, b"", vary, self._selected(vary))
        entry.fields = fields
        entry.owner = self._caller.principal.organisation_id
        entry.lifetime = fresh
        told = fields_of(answer.lines).get(b"age", ())
        entry.initial_age = initial_age({**fields, b"age": told}, received, delay)
        entry.born = now
        if not any(name in said for name in storing.DEMANDING):
            entry.stale_if_error = seconds(said.get("stale-if-error"))
        return entry

    def _refresh(
        self, stale: Entry, answer: Answer, received: float, delay: float, now: float
    ) -> tuple[Answer, bytes]:
        """The kept answer with the news of a 304 (RFC 9111, 4.3.4): kept on, and given to the client."""
        lines = conditions.refreshed(stale.lines, self._lines(answer, received))
        entry = self._judged(stale.status, lines, answer, received, delay, now)
        self._store.revalidations += 1
        self._store.drop(stale)
        if entry is not None and not self.void:
            entry.body = stale.body
            entry.size += len(stale.body)
            self._store.put(entry)
        self._tell("; fwd-status=304" + ("; stored" if entry is not None else ""))
        if stale.status == 200 and conditions.not_modified(self._asked, fields_of(lines)):
            given, body = answer_of(304, conditions.shortened(lines)), b""
        else:
            given, body = answer_of(stale.status, lines), stale.body
            given.length = len(body)
            if self.request.method == "HEAD":
                body = b""
        return given, body

    def _tell(self, more: str) -> None:
        if self._order is not None:
            self._order.response_lines += b"Cache-Status: sluss; fwd=%b%b\r\n" % (
                self._why.encode("ascii"),
                more.encode("ascii"),
            )

    def _abandon(self) -> None:
        self._store.fill(self._caller.principal.organisation_id, -self._size)
        self.filling = None
        self._body = []
        self._size = 0
