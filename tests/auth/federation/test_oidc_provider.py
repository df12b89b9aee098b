"""Sign-in by a provider that others wrote: npm `oidc-provider`, over real sockets (OpenID Connect Core 3.1)."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest

from auth import errors
from auth.factors.enrolment import Factors
from auth.federation.flow import Federation
from auth.federation.named import Provider
from auth.federation.provider import Reader
from auth.people import People, authentication_of
from auth.sign_in.visits import SignedIn
from storage.database import Database
from tests.auth.test_people import HERE, MASTER_KEY, cheap, sign_up

BACK = "http://localhost:8080/console/sign-in/provider"
LOA3 = "http://id.elegnamnden.se/loa/1.0/loa3"


def node_modules() -> Path | None:
    """Where `oidc-provider` lies: SLUSS_TEST_NODE_MODULES, else Node's global folder."""
    folders = [os.environ.get("SLUSS_TEST_NODE_MODULES", "")]
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(["npm", "root", "-g"], capture_output=True, text=True, timeout=30, check=True)
        folders.append(done.stdout.strip())
    found = (Path(each) for each in folders if each and (Path(each) / "oidc-provider").is_dir())
    return next(found, None)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    modules = node_modules() if shutil.which("node") else None
    if modules is None:
        pytest.skip("NOT RUN: no Node with oidc-provider here; npm install -g oidc-provider")
    script = Path(__file__).with_name("provider.mjs")
    command = ["node", str(script), str(modules), BACK]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline().strip()
        assert line.startswith("http://127.0.0.1:"), "the provider did not start"
        yield line
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def there_and_back(address: str) -> dict[str, str]:
    """A browser at the provider until it is sent back to us."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        for _ in range(10):
            answer = await browser.get(address)
            assert answer.status_code in (302, 303), answer.text[:300]
            address = urljoin(address, answer.headers["location"])
            if address.startswith(BACK):
                return dict(parse_qsl(urlsplit(address).query))
    raise AssertionError("never sent back")


async def test_a_sign_in_by_a_provider_of_others(database: Database, issuer: str) -> None:
    provider = Provider(issuer, "sluss", "Sv", "En", secret="a secret: with %+")
    people = People(database, cheap(), master_key=MASTER_KEY)
    person = await sign_up(people)
    # The ID token bears the provider's own time.
    clock = int(time.time())

    async def signed(provider: Provider, link_to: str = "") -> SignedIn | None:
        federation = Federation(database, provider, BACK, Factors(MASTER_KEY), Reader(provider))
        answer = await there_and_back(await federation.start("b", "/console/", clock, link_to=link_to))
        assert answer["iss"] == issuer
        done = await federation.finish("b", answer, clock, HERE, person_id=link_to)
        return done.begun if isinstance(done.begun, SignedIn) else None

    with pytest.raises(errors.IdentityUnknown):
        await signed(provider)
    assert await signed(provider, link_to=person.id) is None
    begun = await signed(replace(provider, acr=(LOA3,)))
    assert begun is not None
    assert begun.person.id == person.id
    assert (authentication_of(begun.session).acr, authentication_of(begun.session).multi_factor) == (
        LOA3,
        True,
    )
    with pytest.raises(errors.LevelTooLow):
        await signed(replace(provider, acr=("urn:another",)))
    with pytest.raises(errors.ProviderFault):
        await signed(replace(provider, secret="wrong"))
    people.close()
