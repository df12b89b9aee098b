"""Every setting in one frozen value, read once.

The only file that reads the environment. A setting comes from the environment, else from `sluss.toml` in
the working directory (same names, lower case, without the prefix), else from its default here. A wrong one
stops the start with every fault listed at once.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from auth.federation.named import Provider
from gateway.edge.door.certificates import ClientCertificates, TlsFiles
from gateway.edge.door.testimony import Notation
from gateway.setting_provider import is_loopback, provider
from gateway.setting_table import SETTINGS, Setting

__all__ = ["SETTINGS", "Door", "Setting", "Settings", "SettingsFault", "environment_of", "load"]

PREFIX = "SLUSS_"
FILE = "sluss.toml"
UPSTREAM_PREFIX = "SLUSS_UPSTREAM_"
YEAR = 365 * 24 * 3600

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsFault(Exception):
    """One or more settings are wrong. `faults` holds one sentence for each."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


@dataclass(frozen=True, slots=True)
class Door:
    """What stands between a socket of the public port and HTTP, and which words of a trusted proxy are believed."""

    tls: TlsFiles | None = None
    proxy_protocol: bool = False
    notation: Notation = Notation.X_FORWARDED
    client_cert_header: bool = False
    hsts_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    data_dir: Path
    port: int
    listen: str
    admin_port: int
    admin_listen: str
    control_port: int
    issuer: str
    hosts: frozenset[str]
    database_url: str
    redis_url: str | None
    redis_wait: float  # seconds
    catalog: tuple[Path, ...]
    edge_processes: int
    trusted_proxies: tuple[Network, ...]
    drain_seconds: float
    access_log: str
    cache_bytes: int
    door: Door = Door()
    client_ca: Path | None = None  # whose certificates prove an OAuth client by name
    fetch_networks: tuple[Network, ...] = ()  # our own, in which clients' key sets may be fetched
    provider: Provider | None = None  # vouches for people beside our own sign-in
    upstream_variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self.control_port}"

    @property
    def own_ports(self) -> frozenset[int]:
        """No publication may lead calls there, on this machine."""
        admin_ports = range(self.admin_port, self.admin_port + self.edge_processes)
        return frozenset((self.port, self.control_port, *admin_ports))

    @property
    def master_key_path(self) -> Path:
        return self.data_dir / "master.key"

    @property
    def portal_dir(self) -> Path:
        return self.data_dir / "portal"


class _Reader:
    """Takes raw texts, gives typed values, collects every fault."""

    def __init__(self, raw: Mapping[str, str]) -> None:
        self.raw = raw
        self.faults: list[str] = []

    def text(self, name: str, default: str) -> str:
        return self.raw.get(name, default).strip()

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name, str(default))
        if value.isascii() and value.isdigit() and low <= int(value) <= high:
            return int(value)
        self.faults.append(f"{name}={value!r}: a whole number from {low} to {high} is needed")
        return default

    def url(self, name: str, default: str, schemes: tuple[str, ...]) -> str:
        value = self.text(name, default)
        scheme = value.partition(":")[0]
        if scheme not in schemes or "://" not in value:
            shown = value.partition("@")[2] or value  # a password never reaches a message
            self.faults.append(f"{name}={shown!r}: must begin with {' or '.join(s + '://' for s in schemes)}")
        return value

    def issuer(self, name: str, default: str) -> str:
        value = self.text(name, default)
        parts = urlsplit(value)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.query
            or parts.fragment
            or parts.username
        ):
            self.faults.append(f"{name}={value!r}: a base URL such as https://api.region.example is needed")
        elif parts.path:
            self.faults.append(f"{name}={value!r}: no path and no trailing slash: it is compared exactly")
        elif parts.scheme == "http" and not is_loopback(parts.hostname):
            self.faults.append(f"{name}={value!r}: https is needed for any host but loopback")
        return value

    def networks(self, name: str) -> tuple[Network, ...]:
        found: list[Network] = []
        for item in filter(None, (part.strip() for part in self.text(name, "").split(","))):
            try:
                found.append(ipaddress.ip_network(item))
            except ValueError as error:
                self.faults.append(f"{name}: {item!r} is no network in CIDR form ({error})")
        return tuple(found)

    def choice(self, name: str, default: str, choices: Collection[str]) -> str:
        value = self.text(name, default)
        if value not in choices:
            self.faults.append(f"{name}={value!r}: one of {', '.join(choices)} is needed")
            return default
        return value

    def file(self, name: str) -> Path | None:
        value = self.text(name, "")
        path = Path(value).expanduser().resolve() if value else None
        if path is not None and not path.is_file():
            self.faults.append(f"{name}={value}: there is no such file")
        return path

    def folders(self, name: str, default: tuple[Path, ...]) -> tuple[Path, ...]:
        value = self.text(name, "")
        if not value:
            return default
        paths = tuple(Path(part).expanduser().resolve() for part in value.split(":") if part)
        self.faults.extend(f"{name}: there is no folder {path}" for path in paths if not path.is_dir())
        return paths


def _raw(environment: Mapping[str, str], file: Path) -> tuple[dict[str, str], list[str]]:
    """Join file and environment; the environment wins. Unknown names are faults: a typing error must not pass."""
    known = {setting.name for setting in SETTINGS}
    raw: dict[str, str] = {}
    faults: list[str] = []
    if file.is_file():
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            return {}, [f"{file}: {error}"]
        for key, value in content.items():
            joined = ":".join(map(str, value)) if key == "catalog" and isinstance(value, list) else value
            joined = ",".join(map(str, joined)) if isinstance(joined, list) else joined
            raw[PREFIX + key.upper()] = str(joined)
    raw.update({name: value for name, value in environment.items() if name.startswith(PREFIX)})
    for name in raw:
        if name not in known and not name.startswith((UPSTREAM_PREFIX, "SLUSS_TEST_")):
            faults.append(f"{name}: there is no such setting; see `sluss doctor --help` for all of them")
    return raw, faults


def load(
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
    default_catalog: Callable[[], tuple[Path, ...]] | None = None,
) -> Settings:
    """Read every setting. Raises SettingsFault with all faults at once."""
    raw, faults = _raw(os.environ if environment is None else environment, file or Path(FILE))
    reader = _Reader(raw)
    reader.faults.extend(faults)
    data_dir = Path(reader.text("SLUSS_DATA_DIR", "var")).expanduser().resolve()
    port = reader.number("SLUSS_PORT", 8080, 1, 65535)
    scheme = "https" if reader.text("SLUSS_TLS_CERT", "") else "http"
    issuer = reader.issuer("SLUSS_ISSUER", f"{scheme}://localhost:{port}")
    redis, client_ca = reader.text("SLUSS_REDIS_URL", ""), reader.file("SLUSS_TLS_CLIENT_CA")
    settings = Settings(
        data_dir=data_dir,
        port=port,
        listen=reader.text("SLUSS_LISTEN", "0.0.0.0"),  # noqa: S104 - the public port
        admin_port=reader.number("SLUSS_ADMIN_PORT", 8081, 1, 65535),
        admin_listen=reader.text("SLUSS_ADMIN_LISTEN", "127.0.0.1"),
        control_port=reader.number("SLUSS_CONTROL_PORT", 8082, 1, 65535),
        issuer=issuer,
        hosts=_hosts(issuer, reader.text("SLUSS_HOSTS", "")),
        database_url=reader.url(
            "SLUSS_DATABASE_URL", f"sqlite:///{data_dir / 'sluss.db'}", ("sqlite", "postgresql", "postgres")
        ),
        redis_url=reader.url("SLUSS_REDIS_URL", "", ("redis", "rediss", "unix")) if redis else None,
        redis_wait=reader.number("SLUSS_REDIS_WAIT_MS", 80, 10, 60_000) / 1000,
        catalog=reader.folders("SLUSS_CATALOG", (default_catalog or _reference_catalog)()),
        edge_processes=reader.number("SLUSS_EDGE_PROCESSES", 1, 1, 64),
        trusted_proxies=reader.networks("SLUSS_TRUSTED_PROXIES"),
        drain_seconds=float(reader.number("SLUSS_DRAIN_SECONDS", 20, 0, 3600)),
        cache_bytes=reader.number("SLUSS_CACHE_BYTES", 64 * 1024 * 1024, 0, 2**40),
        access_log=reader.text("SLUSS_ACCESS_LOG", "-"),
        door=_door(reader, issuer, client_ca),
        client_ca=client_ca,
        fetch_networks=reader.networks("SLUSS_FETCH_NETWORKS"),
        provider=provider(reader),
        upstream_variables={name: value for name, value in raw.items() if name.startswith(UPSTREAM_PREFIX)},
    )
    if settings.edge_processes > 1 and settings.redis_url is None:
        reader.faults.append(
            "SLUSS_EDGE_PROCESSES: more than one process needs shared counters; set SLUSS_REDIS_URL or use 1"
        )
    if len({settings.port, settings.admin_port, settings.control_port}) < 3:
        reader.faults.append("SLUSS_PORT, SLUSS_ADMIN_PORT and SLUSS_CONTROL_PORT must differ")
    if reader.faults:
        raise SettingsFault(reader.faults)
    return settings


def _door(reader: _Reader, issuer: str, client_ca: Path | None) -> Door:
    proxied = reader.choice("SLUSS_CLIENT_CERT_HEADER", "off", ("off", "on")) == "on"
    door = Door(
        _tls_files(reader, client_ca, proxied=proxied),
        reader.choice("SLUSS_PROXY_PROTOCOL", "off", ("off", "required")) == "required",
        Notation(reader.choice("SLUSS_FORWARDED", Notation.X_FORWARDED, list(Notation))),
        proxied,
        # A name of the machine itself is shared by everything that is developed there: never pinned to https.
        reader.number("SLUSS_HSTS_SECONDS", 0 if _is_local(issuer) else YEAR, 0, 10 * YEAR),
    )
    if door.tls is not None and not issuer.startswith("https:"):
        reader.faults.append(f"SLUSS_ISSUER={issuer!r}: must begin with https://, for SLUSS_TLS_CERT is set")
    for name, wanted in {"PROXY_PROTOCOL": door.proxy_protocol, "CLIENT_CERT_HEADER": proxied}.items():
        if wanted and not reader.text("SLUSS_TRUSTED_PROXIES", ""):
            reader.faults.append(f"SLUSS_{name}: nobody is trusted to send it; set SLUSS_TRUSTED_PROXIES")
    return door


def _tls_files(reader: _Reader, issuers: Path | None, *, proxied: bool) -> TlsFiles | None:
    certificate, key = reader.file("SLUSS_TLS_CERT"), reader.file("SLUSS_TLS_KEY")
    clients = ClientCertificates(reader.choice("SLUSS_TLS_CLIENT", "off", list(ClientCertificates)))
    if clients is not ClientCertificates.OFF and issuers is None:
        reader.faults.append("SLUSS_TLS_CLIENT: set SLUSS_TLS_CLIENT_CA to the issuers of clients")
    if certificate is None:
        # By a trusted proxy clients' certificates come without TLS of our own, and their issuers matter all the same.
        for name, value in (("KEY", key), ("CLIENT_CA", None if proxied else issuers)):
            if value is not None:
                reader.faults.append(f"SLUSS_TLS_{name}: needs SLUSS_TLS_CERT")
        return None
    return TlsFiles(certificate, key or certificate, issuers, clients)


def _is_local(issuer: str) -> bool:
    return is_loopback(urlsplit(issuer).hostname or "localhost")


def environment_of(**settings: str) -> dict[str, str]:
    """The environment for a platform of its own: this process's, but with these settings and no others."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return rest | settings


def _hosts(issuer: str, more: str) -> frozenset[str]:
    names = {"localhost", "127.0.0.1", "[::1]"}
    host = urlsplit(issuer).hostname
    if host:
        names.add(f"[{host}]" if ":" in host else host)
    names.update(part.strip().lower() for part in more.split(",") if part.strip())
    return frozenset(names)


def _reference_catalog() -> tuple[Path, ...]:
    return (Path(__file__).resolve().parent.parent / "backends",)
