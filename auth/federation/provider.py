"""Reading from the provider that the operator has named: bounded, without redirects, to admitted places only.

The issuer is the operator's own choice, and may well stand in a private network. What its metadata names is the
provider's choice: an endpoint elsewhere must be https and have public addresses alone, so that a provider, or whoever
has taken it over, cannot make this machine ask its own network (SSRF, promise T29).
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from auth.errors import ProviderFault
from auth.federation.named import Provider

MOST_BYTES = 256 * 1024
PATIENCE = 5.0  # seconds for each read and for the whole answer
METADATA_FOR = 3600  # seconds
KEYS_FOR = 600
KEYS_AGAIN = (
    60  # an unknown key asks for the set at most this often: a storm of tokens is no storm of requests
)

Json = Mapping[str, object]


class Reader:
    """Metadata and keys of one provider, kept for a while. `transport` is for tests."""

    def __init__(self, provider: Provider, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._provider = provider
        self._transport = transport
        self._metadata: tuple[int, Json] | None = None
        self._keys: tuple[int, Json] | None = None

    async def metadata(self, now: int) -> Json:
        """OpenID Connect Discovery, 4: the issuer in it must be the one that was asked. Raises ProviderFault."""
        if self._metadata is None or now - self._metadata[0] >= METADATA_FOR:
            found = await self._get(f"{self._provider.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self._provider.issuer:
                raise ProviderFault("metadata of another issuer")
            self._metadata = (now, found)
        return self._metadata[1]

    async def keys(self, now: int, *, again: bool = False) -> Json:
        """Its key set; `again` when a key was not in it. Raises ProviderFault."""
        life = KEYS_AGAIN if again else KEYS_FOR
        if self._keys is None or now - self._keys[0] >= life:
            self._keys = (now, await self._get(await self.endpoint("jwks_uri", now)))
        return self._keys[1]

    async def endpoint(self, name: str, now: int) -> str:
        found = (await self.metadata(now)).get(name)
        if not isinstance(found, str):
            raise ProviderFault(f"metadata without {name}")
        return found

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Json:
        return await self._read("POST", url, form, headers)

    async def _get(self, url: str) -> Json:
        return await self._read("GET", url, None, {})

    async def _read(
        self, method: str, url: str, form: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Json:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._admit(url)
                return await self._exchange(method, url, form, headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            raise ProviderFault(f"{urlsplit(url).hostname}: {type(error).__qualname__}") from error
        except (ValueError, RecursionError) as error:
            raise ProviderFault("no JSON") from error

    async def _exchange(
        self, method: str, url: str, form: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Json:
        sent = {"Accept": "application/json", **headers}
        client = httpx.AsyncClient(
            timeout=PATIENCE, follow_redirects=False, trust_env=False, transport=self._transport
        )
        async with client, client.stream(method, url, data=form, headers=sent) as answer:
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise ProviderFault("an answer too large")
        if answer.status_code != 200:
            raise ProviderFault(f"status {answer.status_code}")
        found = json.loads(body)
        if not isinstance(found, dict):
            raise ProviderFault("no JSON object")
        return found

    async def _admit(self, url: str) -> None:
        own, asked = urlsplit(self._provider.issuer), urlsplit(url)
        if asked.username is not None or not asked.hostname:
            raise ProviderFault("an address with a user, or without a host")
        if (asked.scheme, asked.netloc) == (own.scheme, own.netloc):
            return
        if asked.scheme != "https":
            raise ProviderFault("an endpoint elsewhere that is not https")
        found = await asyncio.get_running_loop().getaddrinfo(
            asked.hostname, asked.port or 443, type=socket.SOCK_STREAM
        )
        if not found or not all(ipaddress.ip_address(each[4][0]).is_global for each in found):
            raise ProviderFault("an endpoint elsewhere in a private network")
