"""The documents served beside an API: `openapi.json`, `openapi.yaml` and `api-info` (DIGG DOK.23, VER.06,
VER.07).

Pure and not cheap for large documents; keep the bytes as long as the catalogue's digest stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import orjson
import yaml

from gateway.catalog.answers.brownouts import written
from gateway.catalog.model import Api

API_INFO_PATH = "/api-info"
_MOMENT = {"type": "string", "format": "date-time"}
_BROWNOUTS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["from", "to"],
        "properties": {"from": _MOMENT, "to": _MOMENT},
    },
}


def _absolute(value: str, base_url: str) -> str:
    return urljoin(f"{base_url}/", value)


def _scheme(scheme: Any, base_url: str) -> Any:
    """Addresses of the authorization server made absolute: a document that was saved must still work."""
    if not isinstance(scheme, dict):
        return scheme
    changed = dict(scheme)
    if isinstance(scheme.get("openIdConnectUrl"), str):
        changed["openIdConnectUrl"] = _absolute(scheme["openIdConnectUrl"], base_url)
    if isinstance(scheme.get("flows"), dict):
        changed["flows"] = {
            name: {
                key: _absolute(value, base_url) if key.endswith("Url") and isinstance(value, str) else value
                for key, value in flow.items()
            }
            for name, flow in scheme["flows"].items()
        }
    return changed


def _info_operation(api: Api, base_url: str, language: str) -> dict[str, Any]:
    english = language == "en"
    return {
        "get": {
            "operationId": "getApiInfo",
            "summary": "About this version" if english else "Om den här versionen",
            "description": (
                "Name, version, release, documentation and status of the API. Needs no token."
                if english
                else "Namn, version, utgivning, dokumentation och status för API:et. Kräver ingen token."
            ),
            "security": [],
            "responses": {
                "200": {
                    "description": "About the version." if english else "Om versionen.",
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": list(_info(api, base_url)),
                                "properties": {
                                    name: _BROWNOUTS if name == "apiBrownouts" else {"type": "string"}
                                    for name in _info(api, base_url)
                                },
                            },
                            "example": _info(api, base_url),
                        }
                    },
                }
            },
        }
    }


def document(api: Api, base_url: str, language: str) -> dict[str, Any]:
    """The OpenAPI document with this gateway's addresses. `base_url` has no slash at the end."""
    source: Mapping[str, Any] = api.openapi if language == "en" else api.openapi_sv
    components = dict(source.get("components", {}))
    if "securitySchemes" in components:
        schemes = components["securitySchemes"]
        components["securitySchemes"] = {name: _scheme(scheme, base_url) for name, scheme in schemes.items()}
    paths = dict(source["paths"]) | {API_INFO_PATH: _info_operation(api, base_url, language)}
    changed = {"servers": [{"url": f"{base_url}{api.base}"}], "paths": paths, "components": components}
    return dict(source) | changed


def openapi_json(api: Api, base_url: str, language: str) -> bytes:
    """`language` is `sv` or `en`."""
    return orjson.dumps(document(api, base_url, language), option=orjson.OPT_INDENT_2)


class _Dumper(yaml.CSafeDumper):
    """Writes shared values out instead of as aliases, which not every reader of OpenAPI follows."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def openapi_yaml(api: Api, base_url: str, language: str) -> bytes:
    text: bytes = yaml.dump(
        document(api, base_url, language),
        Dumper=_Dumper,
        allow_unicode=True,
        sort_keys=False,
        encoding="utf-8",
        width=120,
    )
    return text


def _info(api: Api, base_url: str) -> dict[str, Any]:
    """The five members of the profile; and planned brown-outs, when there are any."""
    planned = [{"from": written(each.start), "to": written(each.end)} for each in api.answers.brownouts]
    return {
        "apiName": api.id,
        "apiVersion": api.version,
        "apiReleased": api.released,
        "apiDocumentation": f"{base_url}{api.documentation}",
        "apiStatus": api.status.value,
        **({"apiBrownouts": planned} if planned else {}),
    }


def api_info(api: Api, base_url: str) -> bytes:
    return orjson.dumps(_info(api, base_url))
