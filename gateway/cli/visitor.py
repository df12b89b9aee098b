"""Someone who uses the platform over HTTP and minds what comes back. The steps themselves are `journey`."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import httpx
import pyotp

STOP_SECONDS = 2.0  # the bound on revocation that the platform promises
CALLERS = 16


class StepFailed(Exception):
    """A step did not do what it should."""

    def __init__(self, step: str, why: str) -> None:
        self.step = step
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Instance:
    """A running platform as its own data directory describes it."""

    base: str
    operator_email: str
    operator_password: str
    backends: dict[str, str]  # name → address of its own process
    operator_codes: str = ""  # the key of the operator's one-time codes

    @classmethod
    def read(cls, data_dir: Path) -> Instance:
        try:
            running = json.loads((data_dir / "run.json").read_text(encoding="utf-8"))
            demo = json.loads((data_dir / "demo.json").read_text(encoding="utf-8"))
            return cls(
                running["base"],
                demo["operator_email"],
                demo["operator_password"],
                running["backends"],
                demo.get("operator_codes", ""),
            )
        except FileNotFoundError as missing:
            why = f"no instance runs on {data_dir}: {missing.filename} is missing; start it with `sluss up`"
            raise StepFailed("start", why) from missing
        except (ValueError, LookupError, TypeError) as error:
            why = f"run.json or demo.json in {data_dir} cannot be read ({error!r}); start `sluss up` again"
            raise StepFailed("start", why) from error


class Visitor:
    """HTTP, checks and notes. `step` names what is being done, for the message when it fails."""

    def __init__(self, instance: Instance, *, quiet: bool = False) -> None:
        self.instance = instance
        self.quiet = quiet
        self.step = "start"
        self.measured: dict[str, Any] = {}
        self.answered: Counter[str] = Counter()  # 2xx we got, by API
        limits = httpx.Limits(max_connections=CALLERS, max_keepalive_connections=CALLERS)
        self.http = httpx.Client(base_url=instance.base, timeout=20.0, limits=limits, trust_env=False)

    def _say(self, text: str) -> None:
        if not self.quiet:
            click.echo(text)

    def _note(self, name: str, value: Any, text: str) -> None:
        self.measured[name] = value
        self._say(f"      {text}")

    def _demand(self, holds: bool, why: str) -> None:
        if not holds:
            raise StepFailed(self.step, why)

    def _json(self, answer: httpx.Response, status: int) -> Any:
        self._demand(
            answer.status_code == status,
            f"{answer.request.method} {answer.request.url.path} gave {answer.status_code}, not {status}: "
            f"{answer.text[:300]}",
        )
        return answer.json() if answer.content else None

    def _manage(self, method: str, path: str, status: int, *, token: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        return self._json(
            self.http.request(method, f"/management/v1{path}", headers=headers, json=body), status
        )

    def _sign_in(self, email: str, password: str, codes: str = "") -> str:
        """A personal token. `codes` is the key of the account's one-time codes: each works once, so a second walk in
        the same half minute takes the next one, which is accepted already, and a third waits."""
        body = {"email": email, "password": password, "name": "demo"}
        if codes:
            now = time.time()
            for ahead in range(4):
                shown = {**body, "code": pyotp.TOTP(codes).at(int(now) + 30 * ahead)}
                answer = self.http.post("/management/v1/personal-tokens", json=shown)
                if answer.status_code != 401:
                    return str(self._json(answer, 201)["token"])
                if ahead > 0:
                    time.sleep(30)
            self._demand(False, "no one-time code was accepted; is the clock right?")
        return str(self._json(self.http.post("/management/v1/personal-tokens", json=body), 201)["token"])

    def _get(self, path: str, token: str | None) -> httpx.Response:
        # The service's own count is compared with the ledger's: no kept answer may stand for a call.
        asked = {"Cache-Control": "no-cache"}
        return self.http.get(path, headers={**asked, "Authorization": f"Bearer {token}"} if token else asked)

    def _await(self, ask: Callable[[], httpx.Response], status: int) -> float:
        """Ask until the answer has `status`; the seconds it took. A change may take the promised bound to spread."""
        began = time.monotonic()
        while (answer := ask()).status_code != status:
            waited = time.monotonic() - began
            self._demand(
                waited < STOP_SECONDS, f"still {answer.status_code} after {waited:.2f} s: {answer.text[:300]}"
            )
            time.sleep(0.01)
        return time.monotonic() - began
