"""Search and read care units. The data are read once, at the start, from `units.json`."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from backends.serving import (
    Operation,
    Problem,
    application,
    base_url,
    link,
    one_of,
    page_links,
    page_of,
    search_words,
)
from backends.vardenheter.generate import FILE

BASE = "/vardenheter/v1"
TIME_ZONE = "Europe/Stockholm"
FRESH = {"Cache-Control": "public, max-age=3600"}  # open data, the same for everyone
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TYPES = {
    "health-centre": ("Vårdcentral", "Health centre"),
    "hospital": ("Sjukhus", "Hospital"),
    "emergency": ("Akutmottagning", "Emergency department"),
    "out-of-hours": ("Jourmottagning", "Out-of-hours clinic"),
    "dental-care": ("Tandvård", "Dental care"),
    "child-health": ("Barnavårdscentral (BVC)", "Child health centre"),
    "maternity": ("Barnmorskemottagning (MVC)", "Maternity clinic"),
    "youth-clinic": ("Ungdomsmottagning", "Youth clinic"),
    "rehabilitation": ("Rehabilitering", "Rehabilitation"),
    "psychiatry": ("Psykiatri", "Psychiatry"),
    "child-psychiatry": ("Barn- och ungdomspsykiatri (BUP)", "Child and adolescent psychiatry"),
    "vaccination": ("Vaccination", "Vaccination"),
    "laboratory": ("Provtagning", "Sampling"),
}

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII)

Unit = Mapping[str, Any]


def folded(text: str) -> str:
    """Without case and accents, so that `malarsund` finds `Mälarsund`."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in split if not unicodedata.combining(character))


def moment(text: str, zone: ZoneInfo) -> datetime:
    """A time of RFC 3339 in the zone of the units. A `+` that was not escaped arrives as a blank."""
    mended = text.replace(" ", "+")
    try:
        if not _TIME.fullmatch(mended):
            raise ValueError(text)
        return datetime.fromisoformat(mended.upper()).astimezone(zone)
    except (ValueError, OverflowError) as error:
        detail = "openAt: must be a time with zone, for example 2026-05-04T09:30:00%2B02:00"
        raise Problem(400, detail, "bad-request") from error


def minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def is_open(unit: Unit, at: datetime) -> bool:
    """Whether the unit is open at a local time; it closes with the beginning of the closing minute."""
    if unit["alwaysOpen"]:
        return True
    now = at.hour * 60 + at.minute
    return any(
        period["day"] == DAYS[at.weekday()]
        and minutes(period["opens"]) <= now < (minutes(period["closes"]) or 24 * 60)
        for period in unit["openingHours"]
    )


class Register:
    """All units, found by id and by words."""

    def __init__(self, units: list[Unit]) -> None:
        self.units = units
        self.by_id = {unit["unitId"]: unit for unit in units}
        self._words = {
            unit["unitId"]: folded(
                " ".join((unit["name"], unit["address"]["street"], unit["address"]["city"]))
            )
            for unit in units
        }

    def search(
        self, words: list[str], municipality: str | None, kind: str | None, at: datetime | None
    ) -> list[Unit]:
        wanted = [folded(word) for word in words]
        return [
            unit
            for unit in self.units
            if (municipality is None or unit["municipality"]["code"] == municipality)
            and (kind is None or unit["type"] == kind)
            and all(word in self._words[unit["unitId"]] for word in wanted)
            and (at is None or is_open(unit, at))
        ]


class Endpoints:
    def __init__(self, register: Register, zone: ZoneInfo) -> None:
        self._register = register
        self._zone = zone

    def _shown(self, unit: Unit, base: str) -> dict[str, Any]:
        address = f"{base}/units/{unit['unitId']}"
        shown = {name: value for name, value in unit.items() if name != "openingHours"}
        return shown | {"_links": [link("self", address), link("opening-hours", f"{address}/opening-hours")]}

    def _found(self, request: Request) -> Unit:
        unit = self._register.by_id.get(request.path_params["unitId"])
        if unit is None:
            raise Problem(404, "There is no unit with this id.", "not-found")
        return unit

    async def search(self, request: Request) -> Response:
        query = request.query_params
        at = moment(query["openAt"], self._zone) if "openAt" in query else None
        municipality = query.get("municipality")
        if municipality is not None and not re.fullmatch(r"99[0-9]{2}", municipality):
            raise Problem(400, "municipality: must be a code from /municipalities", "bad-request")
        kind = one_of(query.get("type"), "type", tuple(TYPES))
        page = page_of(request)
        found = self._register.search(search_words(query.get("q")), municipality, kind, at)
        base = base_url(request)
        units = [self._shown(unit, base) for unit in page.cut(found)]
        return JSONResponse(
            {
                "units": units,
                "_meta": page.meta(len(found), len(units)),
                "_links": page_links(request, f"{base}/units", page, len(found)),
            },
            headers=FRESH,
        )

    async def unit(self, request: Request) -> Response:
        return JSONResponse(self._shown(self._found(request), base_url(request)), headers=FRESH)

    async def opening_hours(self, request: Request) -> Response:
        unit = self._found(request)
        address = f"{base_url(request)}/units/{unit['unitId']}"
        body = {
            "unitId": unit["unitId"],
            "timeZone": TIME_ZONE,
            "alwaysOpen": unit["alwaysOpen"],
            "periods": unit["openingHours"],
            "_links": [link("self", f"{address}/opening-hours"), link("up", address)],
        }
        return JSONResponse(body, headers=FRESH)

    async def municipalities(self, request: Request) -> Response:
        counts = Counter(
            (unit["municipality"]["name"], unit["municipality"]["code"]) for unit in self._register.units
        )
        listed = [
            {"code": code, "name": name, "unitCount": count} for (name, code), count in sorted(counts.items())
        ]
        links = [link("self", f"{base_url(request)}/municipalities")]
        return JSONResponse({"municipalities": listed, "_links": links}, headers=FRESH)

    async def unit_types(self, request: Request) -> Response:
        listed = [{"type": kind, "name": {"sv": sv, "en": en}} for kind, (sv, en) in TYPES.items()]
        links = [link("self", f"{base_url(request)}/unit-types")]
        return JSONResponse({"unitTypes": listed, "_links": links}, headers=FRESH)


def create() -> Starlette:
    register = Register(json.loads(FILE.read_text(encoding="utf-8")))
    endpoints = Endpoints(register, ZoneInfo(TIME_ZONE))
    return application(
        BASE,
        [
            Operation("searchUnits", "GET", "/units", endpoints.search),
            Operation("getUnit", "GET", "/units/{unitId}", endpoints.unit),
            Operation("getOpeningHours", "GET", "/units/{unitId}/opening-hours", endpoints.opening_hours),
            Operation("listMunicipalities", "GET", "/municipalities", endpoints.municipalities),
            Operation("listUnitTypes", "GET", "/unit-types", endpoints.unit_types),
        ],
    )
