"""Bound tokens on the line: proved at every call, used once, never remembered (RFC 9449, 7; RFC 8705, 3)."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from auth.proofs.certificates import thumbprint
from gateway.edge.door.client_certificate import ClientCertificate, Source
from gateway.edge.request import Remembered as Memory
from gateway.headers import control_lines
from gateway.proofs.possession import Bound
from gateway.proofs.protocol import Answered, Use
from tests.auth.holder import Holder, encoded
from tests.auth.mint import ISSUER
from tests.gateway.line_of_one import Remembered, Stand, standing

HERE = f"{ISSUER}/eko/v1/echo"


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with standing(tmp_path) as made:
        yield made
        made.close()


def bound_token(stand: Stand, holder: Holder) -> str:
    return stand.token(cnf={"jkt": holder.thumbprint}).removeprefix("Bearer ")


def shown(holder: Holder, token: str, **claims: object) -> str:
    said: dict[str, object] = {"htm": "GET", "htu": HERE, "iat": int(time.time()), **claims}
    return holder.proof(token, None, **said)


def call(stand: Stand, token: str, proof: str | None, path: str = "/eko/v1/echo?a=1") -> Remembered:
    fields = {} if proof is None else {"DPoP": proof}
    return stand.call(stand.request(path, "GET", f"DPoP {token}", **fields))


def code_of(answer: Remembered) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["code"]


async def test_section_7_1_a_proved_call_goes_on(stand: Stand) -> None:
    holder = Holder()
    token = bound_token(stand, holder)
    answer = call(stand, token, shown(holder, token))
    assert answer.order.target == b"/echo?a=1"
    assert stand.counters.said == ["take 1", "sent", "keep"]
    assert call(stand, token, shown(holder, token)).order.target == b"/echo?a=1"  # the next proof


async def test_section_11_1_a_used_proof_is_refused_and_takes_nothing(stand: Stand) -> None:
    holder = Holder()
    token = bound_token(stand, holder)
    proof = shown(holder, token)
    call(stand, token, proof)
    stand.counters.said.clear()
    for _ in range(2):
        answer = call(stand, token, proof)
        assert code_of(answer) == (401, "reused-proof")
        assert answer.fields["www-authenticate"].startswith('DPoP realm="sluss", error="invalid_dpop_proof"')
    assert stand.counters.said == []


async def test_a_head_that_comes_again_is_a_replay_though_the_connection_remembers_it(stand: Stand) -> None:
    """The memory that a connection keeps for a repeated head must not hold the admission of a proved call."""
    holder = Holder()
    token = bound_token(stand, holder)
    request = stand.request("/eko/v1/echo", "GET", f"DPoP {token}", DPoP=shown(holder, token))
    memory: dict[object, Memory] = {}
    request.memory = memory
    assert stand.call(request).order.target
    assert memory == {}
    again = stand.request("/eko/v1/echo", "GET", f"DPoP {token}", DPoP=request.fields(b"dpop")[0].decode())
    again.memory = memory
    assert code_of(stand.call(again)) == (401, "reused-proof")


async def test_t9_a_bound_token_is_no_bearer_token(stand: Stand) -> None:
    holder = Holder()
    token = bound_token(stand, holder)
    answer = stand.call(stand.request("/eko/v1/echo", "GET", f"Bearer {token}", DPoP=shown(holder, token)))
    assert code_of(answer) == (401, "missing-proof")
    assert code_of(stand.call(stand.request("/eko/v1/echo", "GET", f"Bearer {token}"))) == (
        401,
        "missing-proof",
    )
    assert code_of(call(stand, token, None)) == (401, "missing-proof")
    assert stand.counters.said == []


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"htm": "POST"}, "proof-of-another-call"),
        ({"htu": f"{ISSUER}/eko/v1/headers"}, "proof-of-another-call"),
        ({"htu": "https://evil.example/eko/v1/echo"}, "proof-of-another-call"),
        ({"ath": encoded(b"0" * 32)}, "proof-of-another-call"),
        ({"iat": 1_000_000}, "proof-out-of-time"),
        ({"jti": ""}, "invalid-proof"),
    ],
)
async def test_t30_a_proof_for_something_else(stand: Stand, claims: dict[str, object], code: str) -> None:
    holder = Holder()
    token = bound_token(stand, holder)
    assert code_of(call(stand, token, shown(holder, token, **claims))) == (401, code)


async def test_t30_another_key_and_two_proofs(stand: Stand) -> None:
    holder = Holder()
    token = bound_token(stand, holder)
    assert code_of(call(stand, token, shown(Holder(), token))) == (401, "invalid-proof")
    request = stand.request("/eko/v1/echo", "GET", f"DPoP {token}", DPoP=shown(holder, token))
    request.forwarded_lines.append(b"DPoP: " + shown(holder, token).encode())
    assert code_of(stand.call(request)) == (401, "invalid-proof")


async def test_a_plain_token_under_the_scheme_dpop_is_refused(stand: Stand) -> None:
    holder = Holder()
    token = stand.token().removeprefix("Bearer ")
    assert code_of(call(stand, token, shown(holder, token))) == (401, "unbound-token")


async def test_a_proof_is_not_spent_by_a_call_that_is_refused_anyway(stand: Stand) -> None:
    holder = Holder()
    token = stand.token(cnf={"jkt": holder.thumbprint}, scope="other").removeprefix("Bearer ")
    proof = shown(holder, token, jti="n")
    assert code_of(call(stand, token, proof)) == (403, "missing-scope")
    good = bound_token(stand, holder)
    assert call(stand, good, shown(holder, good, jti="n")).order.target


class Silent:
    """A store that is away, or answers later."""

    def __init__(self) -> None:
        self.waiting: list[Answered] = []

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def use(self, name: bytes, issued_at: float, now: float, answered: Answered) -> None:
        self.waiting.append(answered)


async def test_f3_closed_when_the_store_cannot_say(stand: Stand) -> None:
    store, holder = Silent(), Holder()
    stand.line.bound = Bound(ISSUER, store)
    token = bound_token(stand, holder)
    answer = call(stand, token, shown(holder, token))
    assert stand.counters.said == []  # it waits, and so does the unit
    store.waiting[0](Use.UNKNOWN)
    assert code_of(answer) == (503, "proofs-unavailable")
    assert answer.fields["retry-after"]
    later = call(stand, token, shown(holder, token))
    store.waiting[1](Use.FIRST)
    assert later.order.target


async def test_a_certificate_bound_token_with_and_without_its_certificate(stand: Stand) -> None:
    authorization = stand.token(cnf={"x5t#S256": thumbprint(b"own")})
    for der, good in ((b"own", True), (b"other", False), (None, False)):
        request = stand.request("/eko/v1/echo", "GET", authorization)
        if der is not None:
            request.client_certificate = ClientCertificate(der, Source.HANDSHAKE)
        answer = stand.call(request)
        assert hasattr(answer, "order") is good
        if not good:
            assert code_of(answer) == (401, "foreign-certificate")


async def test_the_control_plane_is_told_the_certificate_and_only_ours(stand: Stand) -> None:
    """RFC 9440: what the client writes under the name is gone, what the connection showed is written."""
    forged = stand.request("/oauth2/token", "POST", None, Client_Cert=":eA==:", Client_Cert_Chain=":eA==:")
    order = stand.call(forged).order
    sent = b"\r\n".join([order.injected, *forged.forwarded_lines]).lower()
    assert b"client-cert" not in sent
    real = stand.request("/oauth2/token", "POST", None, Client_Cert=":eA==:")
    real.client_certificate = ClientCertificate(b"der", Source.HANDSHAKE, (b"issuer",))
    injected = stand.call(real).order.injected
    assert b"Client-Cert: :%b:\r\n" % b64encode(b"der") in injected
    assert b"Client-Cert-Chain: :%b:\r\n" % b64encode(b"issuer") in injected
    assert b"Client-Cert" not in stand.call(stand.request("/eko/v1/echo")).order.injected
    assert control_lines(forged).count(b"\r\n") == 1
