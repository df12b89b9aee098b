"""nginx and Traefik that ask Sluss about every call, with the very files of deploy/.

Both stand on the candidate's core together with the edge they ask; the figures are of all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.candidate import Bench, Running, target_of
from tests.bench.machine import Process
from tests.bench.ours.sluss import Sluss
from tests.bench.peers.servers import Nginx, program_of
from tests.bench.peers.services import Traefik
from tests.bench.tokens import Signed
from tests.bench.upstream import listening
from tests.deploy.fronts import PROXIES, Place, place


@dataclass(frozen=True, slots=True)
class Asking:
    """`plain` is the same proxy without questions: it knows what is missing and which version it is."""

    plain: Nginx | Traefik

    @property
    def id(self) -> str:
        return f"{self.plain.id}-asks-sluss"

    @property
    def name(self) -> str:
        return f"{self.plain.name} asks Sluss"

    @property
    def does(self) -> str:
        return "passes each call on itself after a question to Sluss's /decide, every stage on"

    def missing(self) -> str | None:
        return self.plain.missing()

    def version(self) -> str:
        return self.plain.version()

    def start(self, bench: Bench) -> Running:
        sluss = Sluss(trusts="127.0.0.1/32").start(bench)
        try:
            folder = bench.folder / "proxy"
            folder.mkdir()
            where = place(folder, sluss.target.port, bench.upstream_port)
            arguments: Callable[[Place], list[str]] = PROXIES[self.plain.id][1]
            process = Process(
                [program_of(self.plain.id), *arguments(where)],
                cores=bench.cores,
                log=bench.folder / "proxy.log",
            )
            listening(process, where.port)
        except BaseException:  # Ctrl-C too: nothing may go on running
            for edge in sluss.processes:
                edge.stop()
            raise
        target = target_of(bench, where.port, sluss.target.headers)
        return Running(target, (process, *sluss.processes))


def asking(signed: Signed) -> tuple[Asking, Asking]:
    return Asking(Nginx(signed)), Asking(Traefik(signed))
