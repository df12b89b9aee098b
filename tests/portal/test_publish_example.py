"""The publication that the page on publishing shows is one: whoever copies it gets no faults from the linter."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from gateway.catalog.errors import Severity
from gateway.catalog.lint import lint
from tests.portal.documents import LANGUAGES, page, section

PLANS = Path(__file__).resolve().parents[2] / "backends" / "plans.yaml"
OPENAPI = """\
openapi: "3.1.0"
info: { title: Appointments, version: "1.0.0" }
paths:
  /times:
    get:
      operationId: searchTimes
      summary: Search for free times
      security: [{ oauth2: ["tidbok:read"] }]
      responses:
        "200": { description: Free times., content: { application/json: { example: { times: [] } } } }
components:
  securitySchemes:
    oauth2:
      type: oauth2
      flows: { clientCredentials: { tokenUrl: /oauth2/token, scopes: { "tidbok:read": Read } } }
"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_can_be_published(language: str, tmp_path: Path) -> None:
    shutil.copy(PLANS, tmp_path / "plans.yaml")
    folder = tmp_path / "tidbok"
    folder.mkdir()
    shown = re.search(
        r"^```yaml\n(.*?)^```$", section(page(language, "publish/index.md"), "api"), re.M | re.S
    )
    assert shown
    (folder / "api.yaml").write_text(shown[1], encoding="utf-8")
    (folder / "openapi.yaml").write_text(OPENAPI, encoding="utf-8")
    assert [str(fault) for fault in lint(folder) if fault.severity is Severity.ERROR] == []
