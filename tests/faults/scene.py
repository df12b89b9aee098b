"""A platform of real processes whose ways to Redis, the database and the upstream lead through cuts.

The test itself reaches all three directly. `shared` puts every edge on one port (SO_REUSEPORT), as in production.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import httpx

from tests.faults.cut import TcpCut
from tests.line.platform import PLAIN, Platform


class Scene(Platform):
    """Start it with `start`; `close` ends its processes and its cuts."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        redis_url: str | None = None,
        edges: int = 1,
        *,
        shared: bool = False,
        cut_database: bool = False,
    ) -> None:
        super().__init__(folder, database_url, redis_url, edges)
        if shared:
            self.ports = [self.ports[0]] * edges
        self.command = [sys.executable, "-m", "gateway"]
        self.cuts: list[TcpCut] = []
        self.upstream = self._cut(TcpCut(self.backends["eko"]))
        self.environment["SLUSS_UPSTREAM_EKO"] = f"http://127.0.0.1:{self.upstream.port}"
        self.environment["SLUSS_EDGE_PROCESSES"] = str(edges if redis_url else 1)
        if redis_url:
            self.redis = self._cut(TcpCut.before(redis_url))
            self.environment["SLUSS_REDIS_URL"] = self.redis.url(redis_url)
        if cut_database:
            self.database = self._cut(TcpCut.before(database_url))
            self.environment["SLUSS_DATABASE_URL"] = self.database.url(database_url)

    def _cut(self, made: TcpCut) -> TcpCut:
        self.cuts.append(made)
        return made

    def close(self) -> None:
        for cut in self.cuts:
            cut.flow()  # so that what is to be written at the end can be
        self.stop()
        for cut in self.cuts:
            cut.close()

    # --- what can be seen of an edge

    def ready(self, edge: int = 0) -> tuple[int, str, str]:
        """Status, state and reasons of /readyz."""
        answer = httpx.get(
            f"http://127.0.0.1:{self.admin_ports[edge]}/readyz", timeout=10, verify=PLAIN, trust_env=False
        )
        body = answer.json()
        return answer.status_code, body["status"], " ".join(body["reasons"])

    def until_state(self, state: str, edge: int = 0) -> str:
        """Waits for a state of readiness; the reasons given with it."""
        self.wait(lambda: self.ready(edge)[1] == state, f"edge-{edge}")
        return self.ready(edge)[2]

    def until(self, holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
        """A bound for machines under load; what is promised quicker is measured by itself."""
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, f"{what}\n{self.log('edge-0')}"
            time.sleep(0.01)

    def token_request(self, client_id: str, secret: str, scope: str) -> httpx.Response:
        return httpx.post(
            self.url("/oauth2/token"),
            data={"grant_type": "client_credentials", "scope": scope},
            auth=(client_id, secret),
            timeout=40,
            verify=PLAIN,
            trust_env=False,
        )


PAUSE_S = 0.005  # between calls of one client: the machine is for the platform, not for the load


class Load:
    """Clients that call again and again, each in a thread, until told to stop.

    A call that was answered is counted by its status. One that was never accepted is counted apart: its
    connection was refused, or closed before a byte of it was sent. Anything else is `lost`.
    """

    def __init__(self, port: int, path: str, token: str, clients: int, *, fresh: int = 0) -> None:
        """`clients` keep their connection, and `fresh` more open one for each call."""
        self.statuses: Counter[int] = Counter()
        self.lost: list[str] = []
        self.not_accepted = 0
        self.codes: Counter[str] = Counter()
        self._port, self._path = port, path
        self._headers = {"Host": f"localhost:{port}", "Authorization": f"Bearer {token}"}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(number < clients,), daemon=True)
            for number in range(clients + fresh)
        ]

    @property
    def answered(self) -> int:
        return sum(self.statuses.values())

    def _run(self, keeps: bool) -> None:
        connection: HTTPConnection | None = None
        while not self._stop.is_set():
            if connection is None:
                connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
                try:
                    connection.connect()
                except OSError:
                    with self._lock:
                        self.not_accepted += 1
                    connection = None
                    time.sleep(0.01)
                    continue
            if not self._call(connection) or not keeps:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _call(self, connection: HTTPConnection) -> bool:
        try:
            connection.request("GET", self._path, headers=self._headers)
            answer = connection.getresponse()
            body = answer.read()
            time.sleep(PAUSE_S)
        except (OSError, HTTPException) as error:
            with self._lock:
                self.lost.append(f"{type(error).__name__}: {error}")
            return False
        with self._lock:
            self.statuses[answer.status] += 1
            if answer.status >= 400:
                with suppress(ValueError):
                    self.codes[json.loads(body).get("code", "")] += 1
        return answer.getheader("Connection", "").lower() != "close"

    @contextmanager
    def running(self) -> Iterator[Load]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(60)

    def more(self, calls: int, seconds: float = 60) -> None:
        """Until so many further calls were answered."""
        wanted, until = self.answered + calls, time.monotonic() + seconds
        while self.answered < wanted:
            assert time.monotonic() < until, (
                f"only {self.answered} of {wanted}: {self.statuses} {self.lost[:5]}"
            )
            time.sleep(0.01)
