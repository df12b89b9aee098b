"""L11, F5: a real PostgreSQL is killed and started again while calls are metered: each unit arrives, and once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from tests.faults.scene import Load, Scene
from tests.parts import templates
from tests.parts.postgres_server import PostgresServer

Make = Callable[..., Scene]

ROUNDS = 3
CONTROL_AGAIN = "the control plane gives tokens again, without a restart"


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_in_the_middle_of_metering_it_loses_no_unit_and_doubles_none(
    make: Make, own_postgres: PostgresServer
) -> None:
    """No caller notices, no process of ours is started again, and nobody meets an old connection afterwards."""
    chance = random.Random(11)
    templates.upgrade(own_postgres.url)
    scene = make(database_url=own_postgres.url).start(control=True)
    client = scene.client(plan="leverantor")
    before = {name: process.pid for name, process in scene.processes.items()}

    def asked() -> int:
        return scene.token_request(client.client_id, client.secret, client.scopes).status_code

    assert asked() == 200
    with Load(scene.ports[0], "/eko/v1/echo", scene.token(client), 3).running() as load:
        for number in range(ROUNDS):
            load.more(20)
            time.sleep(chance.random())  # anywhere in the beat of the ledger
            own_postgres.kill()
            load.more(60)
            if number == 0:
                scene.until(lambda: scene.metric("sluss_ledger_failures") > 0, "the edge has noticed")
                assert scene.metric("sluss_ledger_waiting") > 0
                assert asked() == 503
            own_postgres.start()
            scene.until(lambda: asked() == 200, CONTROL_AGAIN)
        load.more(20)
    assert load.statuses.keys() == {200}, (load.statuses, load.codes)
    assert not load.lost, load.lost
    assert scene.seen() == load.answered
    scene.until(lambda: scene.ledger(client) == {"served": load.answered}, "every unit, and each once")
    scene.until_state("ready")
    assert {
        name: process.pid for name, process in scene.processes.items() if process.poll() is None
    } == before
    for name in ("edge-0", "control"):
        assert "Traceback" not in scene.log(name), scene.log(name)
