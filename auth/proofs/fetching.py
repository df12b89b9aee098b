"""Fetches a small document from an address somebody else named: bounded in size and time, no redirects, no proxy.

What may be called is `auth.proofs.addresses`. The connection goes to the address that was judged, while the name
decides about the certificate.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import httpx

from auth.errors import RefusedAddress
from auth.proofs.addresses import Guard, target_of

SECONDS: Final = 5.0  # for all of it: an answer a byte at a time must not keep us
LARGEST: Final = 64 * 1024


class Fetcher:
    def __init__(self, guard: Guard, trust: ssl.SSLContext | None = None) -> None:
        """`trust`: whose certificates are believed; the system's authorities when left out."""
        self._guard = guard
        self._trust = trust

    async def text(self, url: str) -> str:
        """The document. Raises RefusedAddress with the reason, our own words and nothing of the answer."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self._text(url)
        except TimeoutError:
            raise RefusedAddress("no whole answer within 5 seconds") from None
        except (httpx.HTTPError, ssl.SSLError, OSError, UnicodeError):
            raise RefusedAddress("the address cannot be read over TLS") from None

    async def post(self, url: str, form: Mapping[str, str]) -> int:
        """Sends a form; the status of the answer, of which nothing is read. Raises RefusedAddress as `text` does."""
        try:
            async with asyncio.timeout(SECONDS), self._answer(url, form) as answer:
                return answer.status_code
        except TimeoutError:
            raise RefusedAddress("no answer within 5 seconds") from None
        except (httpx.HTTPError, ssl.SSLError, OSError, UnicodeError):
            raise RefusedAddress("the address cannot be reached over TLS") from None

    async def _text(self, url: str) -> str:
        async with self._answer(url) as answer:
            if answer.status_code != httpx.codes.OK:
                raise RefusedAddress("the address does not answer 200; redirects are not followed")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise RefusedAddress("the answer is compressed though that was not asked for")
            return (await _bounded(answer)).decode()

    @asynccontextmanager
    async def _answer(self, url: str, form: Mapping[str, str] | None = None) -> AsyncIterator[httpx.Response]:
        target = target_of(url)
        address = await self._guard.pinned(target)
        place = f"[{address}]" if ":" in address else address
        host = f"[{target.host}]" if ":" in target.host else target.host
        # A client of its own: nothing is shared between the addresses of different organisations.
        async with httpx.AsyncClient(
            verify=self._trust or ssl.create_default_context(),
            follow_redirects=False,
            trust_env=False,
            timeout=SECONDS,
        ) as client:
            headers = {
                "Host": host if target.port == 443 else f"{host}:{target.port}",
                "Accept": "application/jwk-set+json, application/json",
                "Accept-Encoding": "identity",  # what is small on the wire must be small here too
            }
            async with client.stream(
                "GET" if form is None else "POST",
                f"https://{place}:{target.port}{target.path}",
                data=form,
                headers=headers,
                extensions={"sni_hostname": target.host},
            ) as answer:
                yield answer


async def _bounded(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > LARGEST:
            raise RefusedAddress("the answer is larger than 64 KiB")
    return bytes(body)
