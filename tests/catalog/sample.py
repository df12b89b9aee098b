"""A small publication without fault, to break in one place at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

API = """\
id: sample
name: { sv: Prov, en: Sample }
summary: { sv: Ett prov, en: A sample }
status: active
released: 2026-05-04
upstreams:
  sandbox:
    - url: http://127.0.0.1:9999/base
  production:
    - url: ${SLUSS_UPSTREAM_SAMPLE:-http://127.0.0.1:9998}
plans: [free]
weights:
  default: 1
  operations: { listThings: 3 }
limits:
  body: 1000
  operations: { listThings: 0 }
contacts:
  - { role: owner, name: Someone, email: someone@region.example }
terms:
  legal: { sv: Lag, en: Law }
  economic: { sv: Ekonomi, en: Economy }
  technical: { sv: Teknik, en: Technology }
serviceLevel: { sv: God, en: Good }
"""

OPENAPI = """\
openapi: "3.1.0"
info:
  title: Sample
  version: "1.2.3"
  description: A sample.
  contact: { name: Someone, url: "https://region.example", email: someone@region.example }
  license: { name: CC0 1.0, url: "https://creativecommons.org/publicdomain/zero/1.0/" }
servers:
  - url: http://internal.example:9000/v1
security:
  - oauth2: ["sample:read"]
paths:
  /things:
    get:
      operationId: listThings
      summary: List things
      description: Gives things.
      parameters:
        - { name: page, in: query, description: Page., schema: { type: integer, minimum: 1, default: 1 } }
        - { name: limit, in: query, description: Most., schema: { type: integer, default: 20 } }
      responses:
        "200": { description: Things. }
        "401": { $ref: "#/components/responses/Problem" }
        "403": { $ref: "#/components/responses/Problem" }
        "429": { $ref: "#/components/responses/Problem" }
  /things/{thingId}:
    get:
      operationId: getThing
      summary: Read a thing
      description: Gives one thing.
      parameters:
        - { name: thingId, in: path, required: true, description: Id., schema: { type: string } }
      responses:
        "200": { description: A thing. }
        "401": { $ref: "#/components/responses/Problem" }
        "403": { $ref: "#/components/responses/Problem" }
        "429": { $ref: "#/components/responses/Problem" }
components:
  securitySchemes:
    oauth2:
      type: oauth2
      flows:
        clientCredentials:
          tokenUrl: /oauth2/token
          scopes: { "sample:read": Read things }
  responses:
    Problem:
      description: An error.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
          example: { type: about:blank, title: Bad, status: 400 }
  schemas:
    Problem:
      type: object
      properties:
        type: { type: string }
        title: { type: string }
        status: { type: integer }
        detail: { type: string }
        instance: { type: string }
"""

PLANS = """\
plans:
  - id: free
    version: 1
    name: { sv: Fri, en: Free }
    summary: { sv: Kostar inget, en: Costs nothing }
    fee: 0
    included: 100
    rate: { requests: 5, seconds: 1, burst: 10 }
    quota: { day: 100, month: 1000 }
    countersAway: closed
    environments: [sandbox, production]
    organisationTypes: [company]
"""

OVERLAY = """\
overlay: 1.0.0
info: { title: Svenska, version: 1.0.0 }
actions:
  - target: $.paths['/things'].get
    update: { summary: Lista saker, description: Ger saker. }
"""

SOUND: Mapping[str, str] = {"api.yaml": API, "openapi.yaml": OPENAPI, "plans.yaml": PLANS}


def write(folder: Path, files: Mapping[str, str | bytes] = SOUND) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def changed(name: str, old: str, new: str) -> dict[str, str]:
    """The sound files with one text replaced; the text must be there once."""
    files = dict(SOUND)
    assert files[name].count(old) == 1, (name, old)
    files[name] = files[name].replace(old, new)
    return files
