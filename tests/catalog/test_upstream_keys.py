"""What api.yaml says of the services behind: read whole, and each mistake told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from gateway.catalog.errors import CatalogFaults
from gateway.catalog.load import load
from gateway.catalog.model import Balancing, Environment, HealthCheck, UpstreamTls
from gateway.catalog.publish import publish
from gateway.catalog.watch import Watcher
from tests.catalog.sample import changed, write

URL = "    - url: http://127.0.0.1:9999/base\n"
HTTPS = "    - url: https://127.0.0.1:9999/base\n"
LIMITS = "limits:\n  body: 1000\n"
KEY = "SLUSS_UPSTREAM_KEY"


def with_tls(tls: str, url: str = HTTPS) -> dict[str, str]:
    return changed("api.yaml", URL, f"{url}      tls: {tls}\n")


def certificates(folder: Path) -> dict[str, str]:
    """Sound ones in a folder; the variables that name what lies outside the publication."""
    folder.mkdir(parents=True, exist_ok=True)
    ca = trustme.CA()
    own = ca.issue_cert("gateway@region.example")
    (folder / "ca.pem").write_bytes(ca.cert_pem.bytes())
    (folder / "own.pem").write_bytes(b"".join(blob.bytes() for blob in own.cert_chain_pems))
    (folder / "own.key").write_bytes(own.private_key_pem.bytes())
    return {KEY: str(folder / "own.key"), "SLUSS_UPSTREAM_CA": str(folder / "ca.pem")}


def fault(folder: Path, files: dict[str, str], variables: dict[str, str] | None = None) -> tuple[int, str]:
    with pytest.raises(CatalogFaults) as raised:
        load([write(folder / "sample", files)], variables or {})
    [found] = raised.value.faults
    return found.line, found.message


def test_every_key_arrives(tmp_path: Path) -> None:
    files = with_tls(
        '{ ca: ca.pem, certificate: own.pem, key: "${SLUSS_UPSTREAM_KEY}", serverName: inner.test }'
    )
    files["api.yaml"] = files["api.yaml"].replace(LIMITS, f"{LIMITS}  connections: 8\n  waiting: 9\n")
    files["api.yaml"] += (
        "health: { path: /health, interval: 5, timeout: 1, unhealthy: 2, healthy: 4, status: [200, 204] }\n"
        "balancing: { slowStart: 30, attempts: 3 }\n"
    )
    folder = write(tmp_path / "sample", files)
    variables = certificates(folder)
    api = load([folder], variables).apis["sample/v1"]
    [upstream] = api.upstreams[Environment.SANDBOX]
    assert upstream.tls == UpstreamTls(
        folder / "ca.pem", folder / "own.pem", folder / "own.key", "inner.test"
    )
    assert upstream.health == HealthCheck("/health", 5.0, 1.0, 2, 4, frozenset({200, 204}))
    assert (upstream.connections, upstream.waiting) == (8, 9)
    assert api.balancing == Balancing(30.0, 3)


def test_what_is_not_said_is_as_documented(tmp_path: Path) -> None:
    api = load([write(tmp_path / "sample")], {}).apis["sample/v1"]
    [upstream] = api.upstreams[Environment.SANDBOX]
    assert (upstream.tls, upstream.health, upstream.connections, upstream.waiting) == (None, None, None, None)
    assert api.balancing == Balancing()


@pytest.mark.parametrize(
    ("tls", "line", "message"),
    [
        ("{ ca: none.pem }", 9, "there is no file"),
        ("{ ca: ../ca.pem }", 9, "File with the authorities"),
        ("{ ca: /etc/ssl/certs/ca.pem }", 9, "File with the authorities"),
        ("{ certificate: own.pem, key: own.pem }", 9, "File with the certificate's private key"),
        ('{ key: "${SLUSS_UPSTREAM_KEY}" }', 9, "a key needs its certificate"),
        ("{ certificate: own.pem }", 9, "a certificate needs its key"),
        ('{ ca: "${SLUSS_UPSTREAM_NONE}" }', 9, "SLUSS_UPSTREAM_NONE has no value"),
        ('{ ca: "${SLUSS_UPSTREAM_WORD}" }', 9, "must hold the whole path"),
        ('{ ca: "${SLUSS_MASTER_KEY}" }', 9, "File with the authorities"),
        ("{ ca: bad.pem }", 9, "holds no certificates in PEM"),
        ('{ certificate: ca.pem, key: "${SLUSS_UPSTREAM_KEY}" }', 9, "do not fit"),
        ("{ serverName: -x }", 9, "Name in the service's certificate"),
        ("{ verify: false }", 9, "'verify': this name is not known"),
        ("{}", 9, "How the service is recognised"),
    ],
)
def test_a_mistake_in_tls_has_its_line(tmp_path: Path, tls: str, line: int, message: str) -> None:
    variables = certificates(tmp_path / "sample") | {"SLUSS_UPSTREAM_WORD": "ca.pem"}
    (tmp_path / "sample" / "bad.pem").write_text("no certificate")
    found = fault(tmp_path, with_tls(tls), variables)
    assert found[0] == line
    assert message in found[1]


def test_tls_without_https_is_a_mistake(tmp_path: Path) -> None:
    certificates(tmp_path / "sample")
    line, message = fault(tmp_path, with_tls("{ ca: ca.pem }", URL))
    assert (line, "begins with https://" in message) == (9, True)


@pytest.mark.parametrize(
    "address",
    ["http://169.254.169.254/latest", "http://[fe80::1]:80", "http://0.0.0.0:8000", "http://224.0.0.1",
     "http://2852039166", "http://0xa9fea9fe", "http://[::ffff:169.254.169.254]", "http://[fd00:ec2::254]"],
)  # fmt: skip
def test_no_publication_leads_to_a_metadata_service(tmp_path: Path, address: str) -> None:
    """T29, at the reading; a name that leads there is refused when it is resolved."""
    line, message = fault(tmp_path, changed("api.yaml", URL, f'    - url: "{address}"\n'))
    assert line == 8
    assert "no calls are led there" in message


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("health: { path: health }", "Path below the service's address"),
        ("health: { interval: 5 }", "'path' is missing"),
        ("health: { path: /h, status: [99] }", "Status"),
        ("health: { path: /h, interval: 1, timeout: 5 }", "would overtake each other"),
        ("balancing: { attempts: 0 }", "attempts"),
        ("balancing: { slowStart: -1 }", "slowStart"),
    ],
)
def test_a_mistake_in_the_rest_has_its_line(tmp_path: Path, key: str, message: str) -> None:
    files = changed("api.yaml", "plans: [free]\n", f"plans: [free]\n{key}\n")
    line, said = fault(tmp_path, files)
    assert line == 12
    assert message in said


def test_publishing_takes_the_certificates_along_but_no_key(tmp_path: Path) -> None:
    source = write(
        tmp_path / "source", with_tls('{ ca: ca.pem, certificate: own.pem, key: "${SLUSS_UPSTREAM_KEY}" }')
    )
    variables = certificates(source)
    (tmp_path / "catalogue").mkdir()
    publish(source, tmp_path / "catalogue", variables)
    published = tmp_path / "catalogue" / "sample-v1"
    assert {file.name for file in published.iterdir()} == {
        "api.yaml", "openapi.yaml", "plans.yaml", "ca.pem", "own.pem",
    }  # fmt: skip
    api = load([tmp_path / "catalogue"], variables).apis["sample/v1"]
    [upstream] = api.upstreams[Environment.SANDBOX]
    assert upstream.tls is not None
    assert upstream.tls.ca == published / "ca.pem"


def test_a_key_that_is_put_in_its_place_mends_the_publication(tmp_path: Path) -> None:
    folder = write(tmp_path / "sample")
    variables = certificates(tmp_path / "secrets")
    (folder / "own.pem").write_bytes((tmp_path / "secrets" / "own.pem").read_bytes())
    watcher = Watcher([tmp_path / "sample"], variables)
    watcher.load()
    key = (tmp_path / "secrets" / "own.key").rename(tmp_path / "key")
    write(folder, with_tls('{ certificate: own.pem, key: "${SLUSS_UPSTREAM_KEY}" }'))
    found = watcher.poll()
    assert isinstance(found, CatalogFaults)
    assert "there is no file" in str(found)
    assert watcher.poll() is None
    key.rename(tmp_path / "secrets" / "own.key")
    mended = watcher.poll()
    assert mended is not None
    assert not isinstance(mended, CatalogFaults)
    assert mended.apis["sample/v1"].upstreams[Environment.SANDBOX][0].tls is not None
