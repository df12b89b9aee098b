"""Demo data of a fresh instance: an operator, an organisation, and an app in the sandbox that can call at once.

Written once, in one transaction; a second start reads it back from `demo.json` in the data directory, which
is private to the user who runs the platform. Nothing of it exists where SLUSS_DATABASE_URL already has people.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from gateway.settings import Settings
from storage.database import Database

FILE = "demo.json"
OPERATOR = "operator@sluss.example"
DEVELOPER = "developer@sluss.example"


@dataclass(frozen=True, slots=True)
class Demo:
    """What `sluss up` prints. Empty strings where the instance was not seeded by us."""

    operator_email: str = ""
    operator_password: str = ""
    developer_email: str = ""
    developer_password: str = ""
    client_id: str = ""
    client_secret: str = ""

    def welcome(self, settings: Settings) -> str:
        base = settings.issuer
        lines = [
            "",
            f"  Sluss is running at {base}",
            "",
            f"  portal        {base}/portal/        (English: {base}/portal/en/)",
            f"  console       {base}/console/",
            f"  management    {base}/management/v1/openapi.json",
            f"  admin         http://{settings.admin_listen}:{settings.admin_port}/readyz   /metrics   /snapshot",
        ]
        if self.client_id:
            lines += [
                "",
                f"  operator      {self.operator_email}   {self.operator_password}",
                f"  developer     {self.developer_email}  {self.developer_password}",
                "",
                "  First call (copy, paste):",
                "",
                *(f"    {line}" for line in self.curl(base).splitlines()),
            ]
        return "\n".join([*lines, "", "  Ctrl-C stops all of it.", ""])

    def curl(self, base: str) -> str:
        """A token, then a call with it; needs only a shell, curl and python3."""
        return (
            f"TOKEN=$(curl -s -u '{self.client_id}:{self.client_secret}' "
            f"-d grant_type=client_credentials {base}/oauth2/token "
            "| python3 -c 'import json,sys; print(json.load(sys.stdin)[\"access_token\"])')\n"
            f'curl -s -H "Authorization: Bearer $TOKEN" "{base}/vardenheter/v1/units?limit=3"'
        )


def read(data_dir: Path) -> Demo:
    path = data_dir / FILE
    return Demo(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else Demo()


async def seed(database: Database, settings: Settings, now: int) -> Demo:
    """Make demo data, or give back what an earlier start made."""
    found = read(settings.data_dir)
    if found.client_id:
        return found
