"""TLS in a real process: from the settings to the wire, a changed certificate, and a bad one at the start."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import trustme

from tests.line.platform import Platform


def issue(folder: Path) -> ssl.SSLContext:
    """Puts a new certificate in place; who trusts its issuer."""
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    (folder / "key.pem").write_bytes(leaf.private_key_pem.bytes())
    (folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def prepared(platform: Platform, folder: Path) -> Platform:
    platform.issuer = platform.issuer.replace("http:", "https:")
    platform.environment |= {
        "SLUSS_ISSUER": platform.issuer,
        "SLUSS_TLS_CERT": str(folder / "cert.pem"),
        "SLUSS_TLS_KEY": str(folder / "key.pem"),
        "SLUSS_HSTS_SECONDS": "600",
    }
    platform.run(platform._first_keys())
    platform.spawn_edge()
    return platform


def test_from_the_settings_to_the_wire(own_platform: Callable[..., Platform], tmp_path: Path) -> None:
    trusting = issue(tmp_path)
    platform = prepared(own_platform(), tmp_path)
    address = f"https://localhost:{platform.ports[0]}/eko/v1/echo"

    def ask(context: ssl.SSLContext) -> httpx.Response | None:
        try:
            return httpx.get(address, verify=context, trust_env=False, timeout=10)
        except httpx.TransportError:
            return None

    platform.wait(lambda: ask(trusting) is not None, "edge-0")
    answer = ask(trusting)
    assert answer is not None
    assert answer.status_code == 401
    assert answer.json()["type"].startswith("https://")
    assert answer.headers["strict-transport-security"] == "max-age=600"

    def metrics() -> str:
        return httpx.get(f"http://127.0.0.1:{platform.admin_ports[0]}/metrics", trust_env=False).text

    with httpx.Client(verify=trusting, trust_env=False) as kept:
        assert kept.get(address).status_code == 401
        later = issue(tmp_path)
        platform.wait(lambda: ask(later) is not None, "edge-0")
        assert kept.get(address).status_code == 401, "an open connection goes on"
        (tmp_path / "cert.pem").write_text("nothing of the kind")
        platform.wait(lambda: "sluss_tls_reload_failures 0.0" not in metrics(), "edge-0")
        assert ask(later) is not None, "the old one stays"
        assert kept.get(address).status_code == 401
    assert "the old TLS certificate stays in use" in platform.log("edge-0")


def test_a_bad_key_stops_the_start_and_names_its_setting(
    own_platform: Callable[..., Platform], tmp_path: Path
) -> None:
    issue(tmp_path)
    (tmp_path / "key.pem").write_bytes(trustme.CA().issue_cert("localhost").private_key_pem.bytes())
    platform = prepared(own_platform(), tmp_path)
    process = platform.processes["edge-0"]
    platform.wait(lambda: process.poll() is not None)
    assert process.returncode == 1
    assert "SLUSS_TLS_KEY=" in platform.log("edge-0")
    assert "Traceback" not in platform.log("edge-0")
