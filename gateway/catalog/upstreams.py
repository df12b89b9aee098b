"""What api.yaml says of the services behind an API: `upstreams`, `health`, `balancing`, and the bounds in `limits`
that are about connections.

A publication is written by others than the operator. It may name certificates that lie beside it; a file anywhere
else, and every private key, it can only name by a variable that the operator has set.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.catalog.errors import Fault
from gateway.catalog.model import Balancing, Environment, HealthCheck, Upstream, UpstreamTls
from gateway.catalog.policies import MOCK
from gateway.catalog.source import variables
from gateway.catalog.source.document import Document, pointer_of
from gateway.catalog.source.reserved import address_of, why_reserved


class Upstreams:
    """Reads them all. Besides come out `faults`, `files` (certificates and keys, found or not) and `beside`, the names
    of those that belong to the publication.
    """

    def __init__(self, api: Document, folder: Path, values: Mapping[str, str]) -> None:
        self._api = api
        self._folder = folder
        self._values = values
        self.faults: list[Fault] = []
        self.files: list[Path] = []
        self.beside: list[str] = []

    def read(self) -> dict[Environment, tuple[Upstream, ...]]:
        """Only those without fault."""
        value = self._api.value
        health, limits = _health(value.get("health")), value.get("limits", {})
        if health is not None and health.timeout > health.interval:
            self._fault(("health",), "timeout is longer than interval; the checks would overtake each other")
        result: dict[Environment, tuple[Upstream, ...]] = {}
        for name, entries in value["upstreams"].items():
            built = []
            for number, entry in enumerate([] if entries == MOCK else entries):
                place = ("upstreams", name, number)
                url = self._url(place, entry["url"])
                tls = self._tls(place, url, entry.get("tls"))
                if url:
                    weight = entry.get("weight", 1)
                    bounds = limits.get("connections"), limits.get("waiting")
                    built.append(Upstream(url, weight, tls, health, *bounds))
            result[Environment(name)] = tuple(built)
        return result

    def balancing(self) -> Balancing:
        value = self._api.value.get("balancing", {})
        return Balancing(float(value.get("slowStart", 0)), value.get("attempts", 2))

    def _fault(self, place: tuple[str | int, ...], message: str) -> None:
        self.faults.append(self._api.fault(pointer_of(*place), message))

    def _url(self, place: tuple[str | int, ...], text: str) -> str:
        """The address, empty when it is faulty."""
        try:
            url = variables.upstream_url(text, self._values)
        except variables.WrongAddress as error:
            self._fault((*place, "url"), str(error))
            return ""
        address = address_of(urlsplit(url).hostname or "")
        reason = why_reserved(address) if address is not None else ""
        if reason:
            self._fault((*place, "url"), f"{url!r} is {reason}; no calls are led there")
            return ""
        return url

    def _tls(
        self, place: tuple[str | int, ...], url: str, given: Mapping[str, str] | None
    ) -> UpstreamTls | None:
        if given is None:
            return None
        place = (*place, "tls")
        if url.startswith("http://"):
            self._fault(
                place, "tls is for an address that begins with https://; change the address or remove it"
            )
        if "key" in given and "certificate" not in given:
            self._fault((*place, "key"), "a key needs its certificate; add `certificate`")
        if "certificate" in given and "key" not in given:
            self._fault((*place, "certificate"), "a certificate needs its key; add `key`")
        ca, certificate, key = (self._file(place, given, name) for name in ("ca", "certificate", "key"))
        self._try(place, ca, certificate, key)
        return UpstreamTls(ca, certificate, key, given.get("serverName", ""))

    def _file(self, place: tuple[str | int, ...], given: Mapping[str, str], name: str) -> Path | None:
        text = given.get(name)
        if text is None:
            return None
        if not text.startswith("${"):
            file = self._folder / text  # the schema lets only a plain name through
            self.beside.append(text)
        else:
            try:
                file = Path(variables.substitute(text, self._values))
            except variables.WrongAddress as error:
                self._fault((*place, name), str(error))
                return None
            if not file.is_absolute():
                self._fault((*place, name), f"{text} must hold the whole path of a file, from / on")
                return None
        self.files.append(file)
        if not file.is_file():
            self._fault((*place, name), f"there is no file {file}; put it there or correct the name")
            return None
        return file

    def _try(
        self, place: tuple[str | int, ...], ca: Path | None, certificate: Path | None, key: Path | None
    ) -> None:
        """As they will be used: a file that OpenSSL refuses is told here, not at the first call."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if ca is not None:
            try:
                context.load_verify_locations(ca)
            except OSError as error:
                self._fault((*place, "ca"), f"{ca} holds no certificates in PEM ({error})")
        if certificate is not None and key is not None:
            try:
                # An encrypted key would make OpenSSL ask for its password at the terminal.
                context.load_cert_chain(certificate, key, password=lambda: b"")
            except OSError as error:
                self._fault(
                    (*place, "certificate"),
                    f"{certificate} and its key do not fit or cannot be read ({error})",
                )


def _health(value: Mapping[str, Any] | None) -> HealthCheck | None:
    if value is None:
        return None
    return HealthCheck(
        path=value["path"],
        interval=float(value.get("interval", 10)),
        timeout=float(value.get("timeout", 2)),
        unhealthy=value.get("unhealthy", 3),
        healthy=value.get("healthy", 2),
        status=frozenset(value.get("status", (200,))),
    )
