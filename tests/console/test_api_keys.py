"""API keys through the management API: made and rolled beside the secrets, shown once, and no way to a token."""

from __future__ import annotations

from auth.credentials.secrets import Prefix, well_formed
from tests.auth.platform import basic
from tests.console.callers import Console


async def test_a_key_is_made_rolled_and_ended_beside_the_secrets(console: Console) -> None:
    owner = await console.person("owner@example.org")
    organisation = await console.organisation(owner)
    path = f"/organisations/{organisation}/apps/{await console.app(owner, organisation)}"
    secret = (await owner.post(f"{path}/credentials", {})).json()
    made = (await owner.post(f"{path}/credentials", {"kind": "api_key"})).json()
    assert (made["kind"], made["clientSecret"]) == ("api_key", None)
    assert well_formed(made["apiKey"], Prefix.API_KEY)
    rolled = (await owner.post(f"{path}/rotations", {"kind": "api_key", "overlapSeconds": 60})).json()
    held = {each["id"]: each for each in (await owner.get(f"{path}/credentials")).json()["items"]}
    assert made["apiKey"] not in str(held)
    assert held[made["id"]]["expiresAt"] is not None
    assert held[rolled["id"]]["expiresAt"] is None
    assert held[secret["id"]]["expiresAt"] is None  # a rotation leaves the other kind alone
    form = {"grant_type": "client_credentials"}
    for text, status in ((secret["clientSecret"], 200), (rolled["apiKey"], 401)):
        headers = {"Authorization": basic(secret["clientId"], text)}
        asked = await console.client.post("/oauth2/token", data=form, headers=headers)
        assert asked.status_code == status
