"""F18: the restore drill. A copy is made, things are withdrawn, the disk is lost, the copy is put back."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable

import httpx
import pytest

from tests.faults import copies
from tests.faults.scene import Scene
from tests.line.taking_back import claims_of, revoke

Make = Callable[..., Scene]
Note = Callable[[str, object], None]

RTO_S = 3600


def command(scene: Scene, *words: str) -> str:
    done = subprocess.run(
        [*scene.command, *words], env=scene.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_put_back_from_a_copy_nothing_that_was_given_before_lives_on(
    make: Make, database_url: str, record_testsuite_property: Note
) -> None:
    """A revoked token stays refused, quotas are not free again, the audit chain holds, and all of it takes seconds."""
    scene = make(database_url=database_url)
    copy = copies.of(database_url, scene.folder)
    scene.start(control=True)
    client = scene.client(plan="innovation")  # 50 a day
    token, revoked = scene.token(client), scene.token(client)
    for each in [token] * 20 + [revoked] * 10:
        assert scene.get("/eko/v1/echo", each).status_code == 200
    scene.until(lambda: scene.ledger(client) == {"served": 30}, "the ledger")

    copy.make()  # while all is running

    scene.run(revoke(scene, client, json.loads(claims_of(revoked))["jti"]))
    scene.settled()
    assert scene.get("/eko/v1/echo", revoked).status_code == 401
    scene.stop()
    scene.processes.clear()
    copy.lose()

    began = time.monotonic()
    copy.put_back()
    found = json.loads(command(scene, "restored", "--json"))
    assert found["apps"] == 1
    assert "unbroken" in command(scene, "audit", "verify")
    scene.start(control=True)
    took = time.monotonic() - began
    record_testsuite_property("restored and serving after", round(took, 2))
    assert took < RTO_S

    assert scene.get("/eko/v1/echo", revoked).json()["code"] == "revoked-token"
    assert scene.get("/eko/v1/echo", token).json()["code"] == "revoked-token", (
        "no token of before is believed"
    )
    fresh = scene.token_request(client.client_id, client.secret, client.scopes)
    assert fresh.status_code == 200
    statuses = [asked(scene, fresh.json()["access_token"]) for _ in range(25)]
    assert statuses == [200] * 20 + [429] * 5, "what was used stays used"


def asked(scene: Scene, token: str) -> int:
    answer: httpx.Response = scene.get("/eko/v1/echo", token)
    return answer.status_code
