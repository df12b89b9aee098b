"""F16: the issuer and its key set hang, and no call waits for them; that nothing is fetched at all is in
`test_f15_changes_under_load`.
"""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.scene import Scene
from tests.line.taking_back import take_back

ASKING = 10


@pytest.mark.postgres
@pytest.mark.timeout(300)
def test_an_issuer_that_hangs_holds_no_call_up(postgres_scene: Scene) -> None:
    """Those who ask it wait; calls pass meanwhile, also with a key that came while it hung."""
    scene = postgres_scene
    client = scene.client()
    token = scene.token(client)
    issuer = scene.processes["control"]
    with ThreadPoolExecutor(ASKING) as pool:
        issuer.send_signal(signal.SIGSTOP)
        try:
            asking = [pool.submit(scene.get, "/oauth2/jwks") for _ in range(ASKING)]
            for _ in range(20):
                assert scene.get("/eko/v1/echo", token).status_code == 200
            scene.run(take_back(scene, "rotate keys", client))
            scene.settled()
            renewed = scene.token(client)
            assert renewed.split(".")[0] != token.split(".")[0], "another key"
            assert scene.get("/eko/v1/echo", renewed).status_code == 200
            assert not [each for each in asking if each.done() and each.exception() is None]
        finally:
            issuer.send_signal(signal.SIGCONT)
    scene.until(lambda: scene.get("/oauth2/jwks").status_code == 200, "it answers again")
    assert "Traceback" not in scene.log("edge-0")
