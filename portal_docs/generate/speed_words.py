"""What the bench's ids mean, in both languages. A test holds these tables to the bench's own."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.catalog.model import Text

WORDS: Mapping[str, Text] = {
    "run_absent": Text(
        "Här finns ingen mätning. `make bench` gör den, på under en kvart, och skriver `bench-results/last.json`; "
        "nästa gång portalen byggs står tabellerna här.",
        "There is no measurement here. `make bench` makes it, in less than a quarter of an hour, and writes "
        "`bench-results/last.json`; the next time the portal is built the tables stand here.",
    ),
    "no_figures": Text("Inga tal ännu.", "No figures yet."),
    "profile_absent": Text(
        "Här finns ingen profil (`bench-results/profile.json`).",
        "There is no profile here (`bench-results/profile.json`).",
    ),
    "measured": Text(
        "Uppmätt {day} på {machine}, med Python {python}: medianer av {rounds} varv om {seconds} sekunder, omväxlande, "
        "med {load} som last. Den som mäts har en kärna, lasten och tjänsten bakom den andra.",
        "Measured {day} on {machine}, with Python {python}: medians of {rounds} rounds of {seconds} seconds, "
        "interleaved, with {load} as load. What is measured has one core, load and service the other.",
    ),
    "target": Text("Mål", "Target"),
    "asked": Text("Begärt", "Asked"),
    "measured_column": Text("Uppmätt", "Measured"),
    "outcome": Text("Utfall", "Outcome"),
    "reached": Text("nått", "reached"),
    "missed": Text("**inte nått**", "**not reached**"),
    "candidate": Text("Vem", "Who"),
    "connections": Text("Förbindelser", "Connections"),
    "per_second": Text("Anrop/s", "Calls/s"),
    "ratio": Text("Mot {base}", "To {base}"),
    "cpu": Text("µs CPU per anrop", "µs CPU per call"),
    "added_p50": Text("µs tillagt, median", "µs added, median"),
    "added_p99": Text("µs tillagt, p99", "µs added, p99"),
    "memory": Text("MiB", "MiB"),
    "way": Text("Riktning", "Way"),
    "down": Text("från tjänsten", "from the service"),
    "up": Text("till tjänsten", "to the service"),
    "mib_per_second": Text("MiB/s", "MiB/s"),
    "before": Text("MiB minne före", "MiB memory before"),
    "peak": Text("MiB minne som mest", "MiB memory at most"),
    "not_measured": Text("Inte mätt: {name} ({reason}).", "Not measured: {name} ({reason})."),
    "failures": Text("Gick inte att mäta: {name} ({reason}).", "Could not be measured: {name} ({reason})."),
    "part": Text("Del", "Part"),
    "microseconds": Text("µs per anrop", "µs per call"),
    "share": Text("Andel", "Share"),
}

UNITS: Mapping[str, Text] = {
    "ratio": Text("", ""),
    "us": Text(" µs", " µs"),
    "ms": Text(" ms", " ms"),
    "s": Text(" s", " s"),
    "MiB": Text(" MiB", " MiB"),
}

TARGETS: Mapping[str, Text] = {
    "throughput-nginx": Text(
        "Genomströmning mot nginx som ren proxy", "Throughput to nginx as a plain proxy"
    ),
    "throughput-haproxy-rs256": Text("… mot HAProxy som prövar RS256", "… to HAProxy verifying RS256"),
    "throughput-haproxy-es256": Text("… mot HAProxy som prövar ES256", "… to HAProxy verifying ES256"),
    "throughput-traefik": Text("… mot Traefik som ren proxy", "… to Traefik as a plain proxy"),
    "throughput-starlette-httpx": Text(
        "… mot en vanlig proxy i Starlette och httpx", "… to a usual proxy in Starlette and httpx"
    ),
    "added-p50": Text("Tillagd mediantid vid en förbindelse", "Median time added at one connection"),
    "two-processes-exact": Text(
        "Två processer med exakta gränser i Redis mot två med egna",
        "Two processes with exact limits in Redis to two with their own",
    ),
    "routes-10000": Text("10 000 vägar mot 200", "10,000 routes to 200"),
    "snapshot-load": Text("Läsa in 100 000 prenumerationer, CPU", "Load 100,000 subscriptions, CPU"),
    "snapshot-change": Text("Ändra en av dem, CPU", "Change one of them, CPU"),
    "snapshot-memory": Text("Minne med dem", "Memory with them"),
    "body-memory": Text("Minne som 1 GiB i en kropp tar till", "Memory that a body of 1 GiB adds"),
}

CANDIDATES: Mapping[str, Text] = {
    "direct": Text("ingen emellan", "nothing between"),
    "nginx": Text("nginx", "nginx"),
    "haproxy": Text("HAProxy", "HAProxy"),
    "haproxy-rs256": Text("HAProxy, prövar RS256 varje gång", "HAProxy, verifies RS256 each time"),
    "haproxy-es256": Text("HAProxy, prövar ES256 varje gång", "HAProxy, verifies ES256 each time"),
    "traefik": Text("Traefik", "Traefik"),
    "caddy": Text("Caddy", "Caddy"),
    "starlette-httpx": Text("Starlette + httpx", "Starlette + httpx"),
    "nginx-asks-sluss": Text("nginx som frågar Sluss `/decide`", "nginx that asks Sluss's `/decide`"),
    "traefik-asks-sluss": Text("Traefik som frågar Sluss `/decide`", "Traefik that asks Sluss's `/decide`"),
    "sluss": Text("**Sluss**", "**Sluss**"),
    "sluss-two-local": Text("två processer, var sina gränser", "two processes, own limits"),
    "sluss-two-exact": Text("två processer, exakta gränser i Redis", "two processes, exact limits in Redis"),
    "sluss-routes-1": Text("1 väg", "1 route"),
    "sluss-routes-200": Text("200 vägar", "200 routes"),
    "sluss-routes-10000": Text("10 000 vägar", "10,000 routes"),
    "sluss-subscriptions-1": Text("1 prenumeration", "1 subscription"),
    "sluss-subscriptions-100000": Text("100 000 prenumerationer", "100,000 subscriptions"),
}

CASES: Mapping[str, tuple[Text, Text]] = {
    "calls": (
        Text("Små svar", "Small answers"),
        Text(
            "1 KiB JSON. Sluss har alla steg påslagna: 200 vägar, token ur cache, scope, prenumeration, takt, kvot, "
            "mätvärden och anropspost. De andra är rena proxyer där inget annat sägs.",
            "1 KiB of JSON. Sluss has every stage on: 200 routes, token from cache, scope, subscription, rate, quota, "
            "metrics and access record. The others are plain proxies unless something else is said.",
        ),
    ),
    "down-100k": (
        Text("100 KiB från tjänsten", "100 KiB from the service"),
        Text("Alla med sina vanliga buffertar.", "All with their usual buffers."),
    ),
    "down-10m": (
        Text("10 MiB från tjänsten", "10 MiB from the service"),
        Text("Strömmas, åtta förbindelser.", "Streamed, eight connections."),
    ),
    "up-10m": (
        Text("10 MiB till tjänsten", "10 MiB to the service"),
        Text("Strömmas, åtta förbindelser.", "Streamed, eight connections."),
    ),
    "tls": (
        Text("TLS", "TLS"),
        Text(
            "1 KiB JSON; TLS slutar i den som mäts, förbindelserna hålls öppna.",
            "1 KiB of JSON; TLS ends in what is measured, connections are kept.",
        ),
    ),
    "processes": (
        Text("Två processer", "Two processes"),
        Text(
            "De delar båda kärnorna med last, tjänst och Redis; CPU är allas. Med egna gränser i var process kunde en "
            "anropare ta varje gräns två gånger: så kör ingen, men det är måttet på vad exakta gränser kostar.",
            "They share both cores with load, service and Redis; CPU is that of all. With limits of its own in each "
            "process a caller could take each limit twice: nobody runs so, but it is the measure of what exact limits "
            "cost.",
        ),
    ),
    "routes": (
        Text("Många vägar", "Many routes"),
        Text("1 KiB JSON, alla steg.", "1 KiB of JSON, every stage."),
    ),
    "subscriptions": (
        Text("Många prenumerationer", "Many subscriptions"),
        Text("1 KiB JSON, alla steg, 200 vägar.", "1 KiB of JSON, every stage, 200 routes."),
    ),
    "memory": (
        Text("Minne", "Memory"),
        Text("En kropp om 1 GiB åt vardera hållet.", "One body of 1 GiB each way."),
    ),
}
