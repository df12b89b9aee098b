"""One build of the sample catalogue for the whole session, served for the browser tests."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from console.portal_site import PortalSite
from console.shell import Shells
from portal_docs.build import BuildReport, build
from tests.portal.sample_catalog import DEMO, PROBLEMS, sample_catalog

ISSUER = "http://sluss.test:8080"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BuildReport]:
    """The folder given to build(), and its report."""
    out = tmp_path_factory.mktemp("portal")
    report = build(sample_catalog(), PROBLEMS, ISSUER, out, demo_client=DEMO)
    return out, report


@pytest.fixture(scope="session")
def tree(built: tuple[Path, BuildReport]) -> Path:
    """The finished tree."""
    return built[1].tree


@pytest.fixture(scope="session")
def address(built: tuple[Path, BuildReport]) -> Iterator[str]:
    """A server with the portal and one page in its shell, on a port of its own."""
    out, _ = built
    shells = Shells(out)

    async def console_page(_: object) -> HTMLResponse:
        shell = shells.of("sv")
        form = (
            '<h1>Ny app</h1><form method="post"><label for="name">Namn</label>'
            '<input id="name" name="name"><button>Skapa</button></form>'
        )
        headers = {"Content-Security-Policy": shell.content_security_policy}
        return HTMLResponse(shell.render("Ny app", form), headers=headers)

    app = Starlette(routes=[*PortalSite(out).routes(), Route("/console/", console_page)])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    # Listening before the server runs: connections wait in the backlog, so nobody has to wait for a start.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)
