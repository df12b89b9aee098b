"""The samples: they run when pasted, and a publication cannot put a command into them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from websockets.sync.server import Server, ServerConnection, serve

from gateway.catalog.model import Catalog
from portal_docs.generate import operation as operations
from portal_docs.generate.samples import Call, environment, samples
from portal_docs.model import DemoClient
from tests.gateway.line_of_one import reference
from tests.portal.sample_catalog import DEMO, EVIL, sample_catalog

NEEDED = {"curl": "curl", "Python": sys.executable, "JavaScript": "node", "Java": "java"}


@dataclass
class Heard:
    """What a server has been asked."""

    tokens: list[dict[str, list[str]]] = field(default_factory=list)
    calls: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[tuple[str, Heard]]:
    """A token endpoint and an API in one, on a port of its own."""
    heard = Heard()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._call()

        def do_POST(self) -> None:
            if self.path != "/oauth2/token":
                return self._call()
            heard.tokens.append(parse_qs(self._body()))
            assert self.headers["Authorization"].startswith("Basic ")
            return self._answer({"access_token": "TOK.en-1", "token_type": "Bearer", "expires_in": 300})

        def _call(self) -> None:
            heard.calls.append((self.command, self.path, dict(self.headers), self._body()))
            self._answer({"answer": "yes"})

        def _body(self) -> str:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()

        def _answer(self, value: object) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}", heard
        httpd.shutdown()
        thread.join(5)


def run(label: str, code: str, folder: Path) -> str:
    """The sample as a reader would run it."""
    program = NEEDED[label]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not on this machine")
    file = folder / {"curl": "s.sh", "Python": "s.py", "JavaScript": "s.mjs", "Java": "Call.java"}[label]
    file.write_text(code, encoding="utf-8")
    command = ["/bin/sh" if label == "curl" else program, str(file)]
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "CLIENT_ID": "mine", "CLIENT_SECRET": "s3cret"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def calls(catalog: Catalog, api: str, issuer: str) -> dict[str, Call]:
    found = catalog.apis[api]
    return {view.operation.id: view.call for view in operations.views(found, found.openapi, issuer)}


def code(call: Call, label: str, issuer: str, demo: DemoClient | None) -> str:
    made = samples(environment(), call, f"{issuer}/oauth2/token", "sv", demo)
    return next(sample.code for sample in made if sample.label == label)


@pytest.mark.parametrize("label", NEEDED)
@pytest.mark.parametrize("demo", [None, DEMO])
def test_a_reading_sample_runs(
    server: tuple[str, Heard], tmp_path: Path, label: str, demo: DemoClient | None
) -> None:
    issuer, heard = server
    call = calls(sample_catalog(), "behov/v1", issuer)["readNeed"]
    assert '"answer": "yes"' in run(label, code(call, label, issuer, demo), tmp_path)
    assert heard.tokens == [{"grant_type": ["client_credentials"], "scope": ["behov:read"]}]
    method, path, headers, _ = heard.calls[0]
    assert (method, path) == ("GET", "/behov/v1/needs/b%20101%2Fx")
    assert headers["Authorization"] == "Bearer TOK.en-1"
    assert headers["If-None-Match"] == '"abc"'


@pytest.mark.parametrize("label", NEEDED)
def test_a_writing_sample_sends_its_body_whole(server: tuple[str, Heard], tmp_path: Path, label: str) -> None:
    issuer, heard = server
    call = calls(sample_catalog(), "behov/v1", issuer)["createNeed"]
    run(label, code(call, label, issuer, None), tmp_path)
    method, path, headers, body = heard.calls[0]
    assert (method, path) == ("POST", "/behov/v1/needs")
    assert headers["Content-Type"].startswith("application/json")
    assert json.loads(body) == {"title": "Ljud på 'avdelning' 7", "stage": "nytt"}


@pytest.mark.parametrize("label", NEEDED)
def test_a_hostile_publication_runs_nothing(server: tuple[str, Heard], tmp_path: Path, label: str) -> None:
    issuer, heard = server
    trap = tmp_path / "trapped"
    call = Call(
        method="POST",
        url=f"{issuer}/elak/v1/x?$(touch%20{trap})",
        scopes=(f"a:b'; touch {trap}; '",),
        accept="application/json",
        headers={"X-A": f'\'; touch {trap} #`touch {trap}`$(touch {trap})" + x + "'},
        body=json.dumps({EVIL: f"@/etc/passwd'; touch {trap}; \" \\ \u2028 ${{x}}"}),
    )
    run(label, code(call, label, issuer, None), tmp_path)
    assert not trap.exists()
    assert json.loads(heard.calls[0][3]) == json.loads(str(call.body))


def test_curl_does_not_read_a_file_named_by_an_example(server: tuple[str, Heard], tmp_path: Path) -> None:
    issuer, heard = server
    call = Call("POST", f"{issuer}/elak/v1/x", (), "application/json", body="@/etc/passwd")
    run("curl", code(call, "curl", issuer, None), tmp_path)
    assert heard.calls[0][3] == "@/etc/passwd"


def test_a_header_that_curl_would_read_as_a_file_is_left_out() -> None:
    call = calls(sample_catalog(), "elak/v1", "http://x")["listNeeds"]
    assert not any(name.startswith("@") for name in call.headers)


def test_csharp_has_the_call_and_the_token() -> None:
    call = calls(sample_catalog(), "behov/v1", "http://x")["createNeed"]
    text = code(call, "C#", "http://x", None)
    assert 'new HttpMethod("POST"), "http://x/behov/v1/needs"' in text
    assert "grant_type" in text


@pytest.mark.parametrize("bad", ["a b", 'a"', "$(x)", "", "a`b"])
def test_demo_credentials_cannot_be_syntax(bad: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        DemoClient(bad, "fine")


def answer_messages(server: Server) -> None:
    """Serves until it is told to stop."""
    server.serve_forever()


@pytest.fixture
def socket_server(server: tuple[str, Heard]) -> Iterator[tuple[str, str, Heard]]:
    """A token endpoint, and a WebSocket that says hello back and remembers who came."""
    issuer, heard = server

    def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        heard.calls.append(("GET", connection.request.path, dict(connection.request.headers.raw_items()), ""))
        for message in connection:
            assert isinstance(message, str)
            connection.send(f"{message} back")

    with serve(talk, "127.0.0.1", 0) as sockets:
        thread = threading.Thread(target=answer_messages, args=(sockets,), daemon=True)
        thread.start()
        yield issuer, f"http://127.0.0.1:{sockets.socket.getsockname()[1]}", heard
        sockets.shutdown()
        thread.join(5)


@pytest.mark.parametrize(
    ("label", "said"), [("curl", "HTTP/1.1 101 Switching Protocols"), ("Python", "hej back")]
)
def test_the_samples_of_a_websocket_run(
    socket_server: tuple[str, str, Heard], tmp_path: Path, label: str, said: str
) -> None:
    issuer, address, heard = socket_server
    call = Call(
        "GET",
        f"{address}/eko/v1/socket",
        ("eko:call",),
        "application/json",
        {"X-A": "$(touch x)'"},
        socket=True,
    )
    made = samples(environment(), call, f"{issuer}/oauth2/token", "sv", DEMO)
    assert [sample.label for sample in made] == ["curl", "Python"]
    text = next(sample.code for sample in made if sample.label == label)
    assert said in run(label, text, tmp_path)
    [(_, path, headers, _)] = heard.calls
    assert path == "/eko/v1/socket"
    assert headers["Authorization"] == "Bearer TOK.en-1"
    assert headers["X-A"] == "$(touch x)'"


def test_the_first_call_is_no_websocket() -> None:
    api = reference().apis["eko/v1"]
    views = operations.views(api, api.openapi, "http://x")
    socket = next(view for view in views if view.operation.id == "echoSocket")
    assert socket.call.socket
    assert operations.first_call([socket, *views]) is not socket
