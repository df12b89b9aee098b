"""The main job as a walk: each step does it over HTTP and checks what came of it.

Nothing here reaches into the platform: what a step knows it has from an answer, but for the operator's
password (the data directory) and the backends' own counters (their own ports), which the outside cannot see.
"""

from __future__ import annotations

import html
import json
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from gateway.cli.visitor import CALLERS, StepFailed, Visitor

APIS = ("vardenheter", "behov", "eko")
CALLED = {"vardenheter": "/vardenheter/v1/units?limit=1", "behov": "/behov/v1/needs?limit=1"}


class Journey(Visitor):
    """One walk with a new person, organisation and app, so that it can be repeated on the same instance."""

    def walk(self) -> None:
        steps: tuple[tuple[str, Callable[[], None]], ...] = (
            ("the catalogue holds three publications", self.catalogue),
            ("a developer signs up and registers an app", self.register),
            ("the app gets a token and calls both APIs", self.call),
            ("calls that must not pass are refused, each in its own way", self.refusals),
            ("the rate lets exactly the permitted number through", self.rate),
            ("the daily quota lets exactly the permitted number through", self.quota),
            ("usage equals the backend's own count, to the unit", self.usage),
            ("a revoked token stops", self.revoke),
            ("a closed subscription stops", self.close),
            ("the portal has a page for each API in both languages", self.portal),
            ("the portal's curl works as pasted", self.pasted),
        )
        with self.http:
            for number, (self.step, work) in enumerate(steps, 1):
                work()
                self._say(f"  {number:2}. {self.step}")

    # 1
    def catalogue(self) -> None:
        answer = self._json(self.http.get("/management/v1/apis", params={"limit": 100}), 200)
        found = {item["key"].split("/")[0] for item in answer["items"]}
        self._demand(set(APIS) <= found, f"the catalogue has {sorted(found)}")
        ports = set(self.instance.backends.values())
        self._demand(len(ports) >= len(APIS), f"the backends share processes: {ports}")
        self.before = {name: self._served(name) for name in APIS}

    def _served(self, name: str) -> int:
        """The backend's own count of requests answered, asked at its own port."""
        with httpx.Client(trust_env=False) as own:
            return int(own.get(self.instance.backends[name] + "/_count").json()["total"])

    # 2
    def register(self) -> None:
        mark = secrets.token_hex(4)
        email, password = f"demo-{mark}@example.org", secrets.token_urlsafe(18)
        person = {"email": email, "password": password, "name": "Demo Demosson"}
        self._json(self.http.post("/management/v1/people", json=person), 201)
        self.token = self._sign_in(email, password)
        organisation = {"name": f"Demobolaget {mark}", "number": "559999-0008", "type": "company"}
        self.organisation = self._manage("POST", "/organisations", 201, token=self.token, body=organisation)[
            "id"
        ]
        base = f"/organisations/{self.organisation}"
        app = {"name": "Demoappen", "environment": "sandbox"}
        self.app = self._manage("POST", f"{base}/apps", 201, token=self.token, body=app)
        made = self._manage(
            "POST", f"{base}/apps/{self.app['id']}/credentials", 201, token=self.token, body={}
        )
        self.client = (made["clientId"], made["clientSecret"])
        listed = self._manage("GET", f"{base}/apps/{self.app['id']}/credentials", 200, token=self.token)
        self._demand(made["clientSecret"] not in json.dumps(listed), "the secret is shown a second time")
        self.subscriptions: dict[str, str] = {}
        for name in CALLED:
            wish = {"api": f"{name}/v1", "plan": "prova"}
            path = f"{base}/apps/{self.app['id']}/subscriptions"
            self.subscriptions[name] = self._manage("POST", path, 201, token=self.token, body=wish)["id"]

    def _access_token(self, scope: str | None = None) -> str:
        form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        answer = self.http.post("/oauth2/token", data=form, auth=self.client)
        return str(self._json(answer, 200)["access_token"])

    # 3
    def call(self) -> None:
        self.access = self._access_token()
        for name, path in CALLED.items():
            self._await(partial(self._get, path, self.access), 200)  # until the new subscription is known
            self._json(self._get(path, self.access), 200)
            self.answered[name] += 2

    def refusals(self) -> None:
        jwks = self._json(self.http.get("/oauth2/jwks"), 200)
        kid = jwks["keys"][0]["kid"]
        now = int(time.time())
        claims = {
            "iss": self.instance.base,
            "aud": self.instance.base,
            "sub": "x",
            "client_id": "x",
            "jti": "x",
        }
        claims |= {"iat": now, "exp": now + 300, "scope": "behov:read"}  # type: ignore[dict-item]  # numbers in a JWT
        foreign = jwt.encode(
            {"alg": "ES256", "typ": "at+jwt", "kid": kid}, claims, ECKey.generate_key("P-256")
        )
        narrow = self._access_token("vardenheter:read")
        expected = (
            ("without a token", CALLED["behov"], None, 401),
            ("with a foreign token", CALLED["behov"], foreign, 401),
            ("without the scope", CALLED["behov"], narrow, 403),
            ("without a subscription", "/eko/v1/echo", self.access, 403),
        )
        codes: set[str] = set()
        for what, path, token, status in expected:
            answer = self._get(path, token)
            problem = self._json(answer, status)
            media = answer.headers["content-type"]
            self._demand(media.startswith("application/problem+json"), f"{what}: the answer is {media}")
            self._demand(problem["status"] == status and bool(problem["code"]), f"{what}: {problem}")
            codes.add(problem["code"])
            self._say(f"      {what}: {status} {problem['code']}")
        self._demand(len(codes) == len(expected), f"some refusals look alike: {sorted(codes)}")

    # 4
    def _plan(self) -> dict[str, Any]:
        plans = self._json(self.http.get("/management/v1/plans", params={"limit": 100}), 200)["items"]
        return dict(next(plan for plan in plans if plan["id"] == "prova"))

    def _volley(self, count: int) -> tuple[list[httpx.Response], float]:
        """`count` calls by CALLERS at once; the seconds from first to last."""
        began = time.monotonic()
        with ThreadPoolExecutor(CALLERS) as callers:
            answers = list(callers.map(lambda _: self._get(CALLED["vardenheter"], self.access), range(count)))
        passed = sum(answer.status_code == 200 for answer in answers)
        self.answered["vardenheter"] += passed
        strange = {a.status_code for a in answers} - {200, 429}
        self._demand(not strange, f"answers of status {strange} among 200 and 429")
        return answers, time.monotonic() - began

    def rate(self) -> None:
        rate = self._plan()["rate"]
        per_second, burst = rate["requests"] / rate["seconds"], rate["burst"]
        time.sleep(
            burst / per_second
        )  # until the bucket is full again: the one thing here that is time itself
        answers, took = self._volley(burst * 4)
        passed = sum(answer.status_code == 200 for answer in answers)
        most = burst + int(per_second * took) + 1
        self._demand(burst <= passed <= most, f"{passed} passed in {took:.2f} s; permitted {burst} to {most}")
        self._note(
            "rate",
            {"passed": passed, "seconds": round(took, 3)},
            f"{passed} of {len(answers)} in {took:.2f} s",
        )
        refused = next((answer for answer in answers if answer.status_code == 429), None)
        self._demand(refused is not None, "the rate was never reached")
        assert refused is not None
        self._limit_headers(refused, "rate-exceeded")

    def _limit_headers(self, answer: httpx.Response, code: str) -> None:
        self._demand(answer.json()["code"] == code, f"the refusal says {answer.json()['code']}, not {code}")
        for name in ("RateLimit", "RateLimit-Policy", "Retry-After"):
            self._demand(name in answer.headers, f"{name} is missing on 429")
        self._demand(int(answer.headers["Retry-After"]) > 0, "Retry-After is not positive")

    def quota(self) -> None:
        quota = self._plan()["perDay"]
        until = time.monotonic() + 120
        while time.monotonic() < until:
            answers, _ = self._volley(CALLERS * 2)
            over = [a for a in answers if a.status_code == 429 and a.json()["code"] == "quota-exceeded"]
            if over:
                break
            time.sleep(0.5)
        self._demand(bool(over), "the daily quota was never reached")
        self._limit_headers(over[0], "quota-exceeded")
        passed = self.answered["vardenheter"]
        units = passed * self._weight("vardenheter", "/units")
        self._demand(
            units == quota, f"{passed} calls of {units} units passed; the plan permits {quota} a day"
        )
        self._note("quota", units, f"{units} units of {quota} passed, the rest got 429")

    def _weight(self, name: str, path: str) -> int:
        operations = self._json(self.http.get(f"/management/v1/apis/{name}/v1"), 200)["operations"]
        return int(next(o["weight"] for o in operations if (o["method"], o["path"]) == ("GET", path)))

    # 5
    def usage(self) -> None:
        calls: dict[str, int] = {}
        until = time.monotonic() + 10
        path = f"/usage?organisationId={self.organisation}&groupBy=api,outcome"
        while time.monotonic() < until and calls != dict(self.answered):  # the ledger is written every second
            time.sleep(0.2)
            items = self._manage("GET", path, 200, token=self.token)["items"]
            served = [row for row in items if row["outcome"] == "served"]
            calls = {row["api"].split("/")[0]: row["calls"] for row in served}
            units = {row["api"].split("/")[0]: row["units"] for row in served}
        seen = {name: self._served(name) - self.before[name] for name in CALLED}
        weights = {
            "vardenheter": self._weight("vardenheter", "/units"),
            "behov": self._weight("behov", "/needs"),
        }
        owed = {name: count * weights[name] for name, count in seen.items()}
        self._demand(calls == seen, f"the ledger says {calls}, the backends {seen}")
        self._demand(calls == dict(self.answered), f"the ledger says {calls}, we got {dict(self.answered)}")
        self._demand(units == owed, f"the ledger says {units} units, the backends' calls are worth {owed}")
        self._note("usage", calls, f"ledger {calls} = backends {seen}; units {units}")

    # 6
    def revoke(self) -> None:
        self.operator = self._sign_in(
            self.instance.operator_email, self.instance.operator_password, self.instance.operator_codes
        )
        self._json(self._get(CALLED["behov"], self.access), 200)
        self._manage("POST", "/revocations", 200, token=self.operator, body={"token": self.access})
        took = self._await(lambda: self._get(CALLED["behov"], self.access), 401)
        self._note("revocation_seconds", round(took, 3), f"token refused after {took:.3f} s")

    def close(self) -> None:
        access = self._access_token()
        self._json(self._get(CALLED["behov"], access), 200)
        path = f"/subscriptions/{self.subscriptions['behov']}/close"
        self._manage("POST", path, 200, token=self.operator)
        took = self._await(lambda: self._get(CALLED["behov"], access), 403)
        self._note("closing_seconds", round(took, 3), f"subscription refused after {took:.3f} s")

    # 7
    def portal(self) -> None:
        for name in APIS:
            published = self._json(self.http.get(f"/management/v1/apis/{name}/v1"), 200)
            wanted = [operation["path"] for operation in published["operations"]]
            wanted += [scope["scope"] for scope in published["scopes"]]
            for language, words in (("", ["Prova"]), ("en/", ["Try"])):
                page = html.unescape(re.sub(r"<[^>]+>", "", self._page(f"/portal/{language}apis/{name}/v1/")))
                missing = [text for text in [*wanted, *words, "curl"] if text not in page]
                self._demand(not missing, f"/portal/{language}apis/{name}/v1/ lacks {missing}")

    def _page(self, path: str) -> str:
        answer = self.http.get(path)
        self._demand(answer.status_code == 200, f"{path} gave {answer.status_code}")
        return answer.text

    def pasted(self) -> None:
        """The curl of each page, run by a shell as it stands."""
        for name in APIS:
            for language in ("", "en/"):
                page = self._page(f"/portal/{language}apis/{name}/v1/")
                blocks = re.findall(r"<pre[^>]*>(?:<[^>]+>)*<code[^>]*>(.*?)</code>", page, re.S)
                texts = [html.unescape(re.sub(r"<[^>]+>", "", block)) for block in blocks]
                sample = next((text for text in texts if "curl" in text and "oauth2/token" in text), None)
                self._demand(sample is not None, f"no curl on the page of {name}")
                assert sample is not None
                self._run_pasted(sample, name)

    def _run_pasted(self, sample: str, name: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
            if shutil.which("curl") is None:  # a bare machine: the same words, spoken by httpx
                stand_in = Path(folder) / "curl"
                stand_in.write_text(f"#!{sys.executable}\nfrom gateway.cli.curl import main\nmain()\n")
                stand_in.chmod(0o755)
                path = f"{folder}:{path}"
            done = subprocess.run(  # noqa: S603 - running our own page's sample is the point
                ["/bin/sh", "-c", sample],
                capture_output=True,
                text=True,
                timeout=60,
                env={"PATH": path},
                check=False,
            )
        self._demand(
            done.returncode == 0, f"the curl of {name} ended with {done.returncode}: {done.stderr[:300]}"
        )
        try:
            answer = json.loads(done.stdout[done.stdout.index("{") :])
        except ValueError:
            raise StepFailed(self.step, f"the curl of {name} printed {done.stdout[:300]!r}") from None
        self._demand("code" not in answer, f"the curl of {name} was refused: {answer}")
