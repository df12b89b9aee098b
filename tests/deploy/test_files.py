"""The files in deploy/ hold what they promise, as far as it can be read off them."""

from __future__ import annotations

import inspect
import re

import pytest

from gateway.headers import identity_fields
from portal_docs.generate import configurations
from tests.deploy.fronts import DEPLOY
from tests.portal.documents import LANGUAGES, page

# Traefik and Envoy take them by their beginning.
BY_NAME = ("nginx/decide.conf", "caddy/Caddyfile")


def text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", BY_NAME)
def test_every_name_that_sluss_writes_is_passed_on(name: str) -> None:
    """A new one must be written there too: else the service would believe the client's, or get none."""
    wanted = set(re.findall(r'\(b"(Sluss-[A-Za-z-]+)"', inspect.getsource(identity_fields)))
    assert len(wanted) >= 5
    assert {n for n in wanted if not re.search(rf"(header {n} |request_header {n} )", text(name))} == set()


def test_each_proxy_s_file_is_shown_and_tested() -> None:
    kinds = ("nginx", "traefik", "caddy", "envoy", "haproxy")
    files = {path.relative_to(DEPLOY).as_posix() for kind in kinds for path in (DEPLOY / kind).iterdir()}
    assert files == set(configurations.SHOWN)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_shows_every_file(language: str) -> None:
    content = page(language, "operate/proxies.md")
    marks = configurations.marks(DEPLOY)
    assert set(re.findall(r"@@deploy:[^@]+@@", content)) == set(marks)
    for name in configurations.SHOWN:
        block = marks[f"@@deploy:{name}@@"]
        for line in text(name).splitlines():
            assert line.strip() in block
