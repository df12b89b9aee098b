"""Makes `units.json`, once: `python -m backends.vardenheter.generate`.

The region, its municipalities and all units are fictive. Telephone numbers come from the series that Post-
och telestyrelsen keeps for fiction; the ids begin with a country that does not exist. Only `Random.random`
is used, whose sequence Python keeps the same from version to version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeVar

SEED = 4095
FILE = Path(__file__).with_name("units.json")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Municipality:
    code: str
    name: str
    latitude: float
    longitude: float
    districts: tuple[str, ...]  # the first is the town itself


MUNICIPALITIES = (
    Municipality(
        "9901",
        "Mälarsund",
        59.512,
        16.934,
        (
            "Mälarsund",
            "Norrbro",
            "Slottsvik",
            "Hagaby",
            "Västerängen",
            "Ekbacken",
            "Hamnstaden",
            "Rosenlund",
            "Kvarnberget",
        ),
    ),
    Municipality("9902", "Brunnsvik", 59.481, 16.812, ("Brunnsvik", "Lillån", "Solvalla", "Skogsberga")),
    Municipality("9903", "Ekeryd", 59.402, 16.541, ("Ekeryd", "Tunaby", "Björkdalen")),
    Municipality("9904", "Granhult", 59.658, 16.388, ("Granhult", "Bruksmon", "Sjötorp")),
    Municipality("9905", "Hällsta", 59.334, 17.012, ("Hällsta", "Stenby", "Ängsholmen")),
    Municipality("9906", "Kvarntuna", 59.274, 16.702, ("Kvarntuna", "Åkerby")),
    Municipality("9907", "Lövåker", 59.587, 17.205, ("Lövåker", "Nysäter", "Fågelsta")),
    Municipality("9908", "Norrsjö", 59.731, 16.641, ("Norrsjö", "Gruvan")),
    Municipality("9909", "Sandhamre", 59.389, 17.288, ("Sandhamre", "Strandby")),
    Municipality("9910", "Tallunda", 59.214, 17.104, ("Tallunda", "Marieberg", "Källtorp")),
    Municipality("9911", "Vikaskog", 59.695, 17.044, ("Vikaskog", "Högåsen")),
    Municipality("9912", "Åsnäs", 59.447, 17.391, ("Åsnäs", "Fiskeby")),
)

STREETS = (
    "Storgatan",
    "Kyrkogatan",
    "Järnvägsgatan",
    "Skolgatan",
    "Parkvägen",
    "Björkvägen",
    "Lasarettsvägen",
    "Torggatan",
    "Hamngatan",
    "Kungsgatan",
    "Trädgårdsgatan",
    "Ringvägen",
    "Bruksgatan",
    "Sjövägen",
    "Hantverkargatan",
    "Nygatan",
)

SERVICES = {
    "health-centre": (
        "Läkarmottagning",
        "Distriktssköterska",
        "Provtagning",
        "Vaccination",
        "Samtalsmottagning",
        "Astma- och KOL-mottagning",
        "Diabetesmottagning",
    ),
    "hospital": ("Akutmottagning", "Medicin", "Kirurgi", "Ortopedi", "Geriatrik", "Röntgen", "Förlossning"),
    "emergency": ("Akutmottagning", "Ambulans", "Röntgen"),
    "out-of-hours": ("Läkarmottagning", "Sårvård", "Provtagning"),
    "dental-care": ("Allmäntandvård", "Barntandvård", "Tandhygienist", "Akuttandvård"),
    "child-health": ("Hälsobesök 0–5 år", "Vaccination", "Föräldragrupp", "Amningsrådgivning"),
    "maternity": ("Graviditetsvård", "Preventivmedelsrådgivning", "Cellprovtagning", "Föräldraförberedelse"),
    "youth-clinic": ("Barnmorska", "Kurator", "Preventivmedel", "Testning"),
    "rehabilitation": ("Fysioterapi", "Arbetsterapi", "Artrosskola", "Smärtrehabilitering", "Dietist"),
    "psychiatry": ("Bedömning", "Samtalsbehandling", "Läkemedelsbehandling", "Neuropsykiatri"),
    "child-psychiatry": ("Bedömning", "Familjebehandling", "Neuropsykiatri"),
    "vaccination": ("Vaccination", "Reserådgivning"),
    "laboratory": ("Provtagning",),
}

ADDRESSES = {
    "health-centre": "{} vårdcentral",
    "hospital": "{} sjukhus",
    "emergency": "Akutmottagningen, {} sjukhus",
    "out-of-hours": "{} jourmottagning",
    "dental-care": "Folktandvården {}",
    "child-health": "BVC {}",
    "maternity": "Barnmorskemottagningen {}",
    "youth-clinic": "Ungdomsmottagningen {}",
    "rehabilitation": "Rehab {}",
    "psychiatry": "Psykiatrimottagningen {}",
    "child-psychiatry": "Barn- och ungdomspsykiatrin {}",
    "vaccination": "Vaccinationsmottagningen {}",
    "laboratory": "Provtagningen {}",
}

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
FICTION_NUMBERS = tuple(
    f"+46{series}{number:02d}"
    for series in ("8465004", "3139006", "4062804", "9803192")
    for number in range(100)
)


def genitive(name: str) -> str:
    """`Brunnsviks`, but `Åsnäs`: Swedish adds no s after s, x or z."""
    return name if name[-1] in "sxz" else f"{name}s"


def in_swedish_order(name: str) -> str:
    """A key that sorts å, ä and ö last and in this order."""
    return name.casefold().translate(str.maketrans("åäö", "{|}"))


class Chance:
    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - data for show, nothing secret

    def below(self, count: int) -> int:
        return int(self._random.random() * count)

    def one(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        rest = list(items)
        return [rest.pop(self.below(len(rest))) for _ in range(len(rest))]

    def near(self, centre: float, reach: float) -> float:
        return round(centre + (self._random.random() - 0.5) * reach, 5)


def types_of(municipality: Municipality, district: str) -> list[str]:
    """Which units a district has: every one the basics, the town itself the special ones."""
    town = district == municipality.name
    types = ["health-centre", "dental-care", "child-health"]
    if town:
        types += ["maternity", "youth-clinic", "rehabilitation", "psychiatry", "laboratory", "out-of-hours"]
    if len(municipality.districts) > 2:
        types += ["child-psychiatry", "vaccination", "dental-care"] if town else ["rehabilitation"]
    if municipality.code in ("9901", "9904", "9910") and town:
        types += ["hospital", "emergency"]
    if municipality.code == "9901" and not town:
        types += ["maternity"]
    return types


def periods(kind: str, chance: Chance) -> list[dict[str, str]]:
    """Opening hours of an ordinary week; none for units that never close."""
    if kind in ("hospital", "emergency"):
        return []
    if kind == "out-of-hours":
        opening = {**dict.fromkeys(WEEKDAYS, "17:00"), "saturday": "10:00", "sunday": "10:00"}
        return [{"day": day, "opens": opens, "closes": "22:00"} for day, opens in opening.items()]
    opens, closes = chance.one((("07:30", "16:30"), ("08:00", "17:00"), ("08:00", "16:30")))
    if kind == "youth-clinic":
        opens, closes = "10:00", "17:30"
    late = chance.one(("", "tuesday", "thursday"))
    week = [
        {"day": day, "opens": opens, "closes": "19:00" if day == late else closes}
        for day in (WEEKDAYS[:4] if kind == "vaccination" else WEEKDAYS)
    ]
    if week[-1]["day"] == "friday" and chance.below(3) == 0:
        week[-1]["closes"] = "15:00"
    return week


def name_of(kind: str, district: str, *, private: bool) -> str:
    if private and kind == "health-centre":
        return f"{genitive(district)} läkarhus"
    pattern = ADDRESSES[kind]
    owner = pattern.startswith("{}") or kind == "emergency"
    return pattern.format(genitive(district) if owner else district)


def postal_code(place: Municipality, district: str) -> str:
    code = int(place.code) - 9900
    return f"99{code // 10} {code % 10}{1 + place.districts.index(district)}"


def unit(kind: str, place: Municipality, district: str, number: str, chance: Chance) -> dict[str, Any]:
    """Everything about one unit but its telephone number."""
    private = kind in ("health-centre", "rehabilitation", "vaccination") and chance.below(4) == 0
    offered = SERVICES[kind]
    left_out = chance.shuffled(offered[1:])[: chance.below(3)]
    hours = periods(kind, chance)
    return {
        "unitId": f"XX0000009901-{number}",
        "name": name_of(kind, district, private=private),
        "type": kind,
        "municipality": {"code": place.code, "name": place.name},
        "address": {
            "street": f"{chance.one(STREETS)} {1 + chance.below(60)}",
            "postalCode": postal_code(place, district),
            "city": district,
        },
        "location": {
            "latitude": chance.near(place.latitude, 0.06),
            "longitude": chance.near(place.longitude, 0.1),
        },
        "email": f"enhet-{number.lower()}@malarsund.example",
        "website": f"https://www.malarsund.example/enheter/{number.lower()}",
        "operator": "private" if private else "region",
        "services": [service for service in offered if service not in left_out],
        "alwaysOpen": not hours,
        "openingHours": hours,
        "updatedAt": f"2026-0{1 + chance.below(4)}-{1 + chance.below(28):02d}T06:00:00Z",
    }


def generate() -> list[dict[str, Any]]:
    chance = Chance(SEED)
    phones = iter(chance.shuffled(FICTION_NUMBERS))
    numbers = iter(chance.shuffled(range(0x1000, 0x10000, 0x11)))
    units = []
    for place in MUNICIPALITIES:
        for district in place.districts:
            seen: set[str] = set()
            for kind in types_of(place, district):
                made = unit(kind, place, district, f"{next(numbers):04X}", chance)
                made["phone"] = next(phones)
                if made["name"] in seen:
                    made["name"] += " City"
                seen.add(made["name"])
                units.append(made)
    return sorted(units, key=lambda made: (in_swedish_order(made["name"]), made["unitId"]))


def encoded() -> str:
    """One unit a line: short enough, and a change shows as one line."""
    lines = ",\n".join(json.dumps(made, ensure_ascii=False) for made in generate())
    return f"[\n{lines}\n]\n"


if __name__ == "__main__":
    FILE.write_text(encoded(), encoding="utf-8")
