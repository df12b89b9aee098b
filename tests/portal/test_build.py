"""A whole build: what stands on the pages, what they may fetch, when nothing is built again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gateway.catalog.model import Catalog
from portal_docs.build import BuildFailed, BuildReport, ProblemPage, build
from portal_docs.finish import MANIFEST
from portal_docs.tree import Tree
from tests.portal.conftest import ISSUER
from tests.portal.sample_catalog import DEMO, PROBLEMS, sample_catalog

pytestmark = pytest.mark.slow
# Hosts that a reader may be led to by a link, and names that are no addresses to fetch from.
LINKED = {"sluss.test", "www.digg.se", "www.rfc-editor.org"}
PUBLISHERS = {"evil.example"}  # a publisher may link to the web; nothing is fetched from there
NAMESPACES = {"www.w3.org", "www.sitemaps.org", "json-schema.org", "sluss.invalid"}


class Reader(HTMLParser):
    """The text of a page, its links, and everything it makes a browser fetch."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.handlers: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.handlers += [name for name in values if name.startswith("on") or name == "style"]
        if tag == "a" or (tag == "link" and values.get("rel") in ("canonical", "alternate", "prev", "next")):
            self.links.append(values.get("href", ""))
        else:
            self.fetched += [
                values[name] for name in ("src", "href", "srcset", "poster", "action") if name in values
            ]


def pages(tree: Path) -> list[Path]:
    return sorted(tree.rglob("*.html"))


def read(tree: Path, path: str) -> Reader:
    return Reader((tree / path / "index.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("folder", "wanted"),
    [
        ("", ["Operationer", "Läsa", "Prova", "0 kr", "25 per sekund", "Leverantör", "4 950 kr", "Avtal.",
              "99,5 procent", "Anna Å & Co", "Skapa app och prenumerera", "aktiv", "Produktion kräver"]),
        ("en/", ["Operations", "Read", "Try", "SEK 0", "25 per second", "Supplier", "SEK 4,950", "Agreement.",
                 "99.5 per cent", "Anna Å & Co", "Create an app and subscribe", "active", "Production needs"]),
    ],
)  # fmt: skip
def test_the_page_of_an_api_says_everything(tree: Path, folder: str, wanted: list[str]) -> None:
    page = read(tree, f"{folder}apis/behov/v1")
    text = page.text.replace("\xa0", " ").replace("\u202f", " ")
    assert [phrase for phrase in wanted if phrase not in text] == []
    for operation in ("/behov/v1/needs", "/needs/{needId}", "List needs", "Publish a need", "Read one need"):
        assert operation in text
    for scope in ("behov:read", "behov:write"):
        assert scope in text
    assert "/console/?api=behov%2Fv1" in page.links
    assert {"/behov/v1/openapi.json", "/behov/v1/openapi.yaml"} <= set(page.links)


@pytest.mark.parametrize("folder", ["", "en/"])
def test_samples_in_five_languages_and_a_curl_to_paste(tree: Path, folder: str) -> None:
    html = (tree / folder / "apis/behov/v1/index.html").read_text(encoding="utf-8")
    for label in ("curl", "Python", "JavaScript", "C#", "Java"):
        assert html.count(f">{label}</label>") == 3  # once for each operation
    text = Reader(html).text
    assert f"curl -sS {ISSUER}/oauth2/token" in text
    assert f"curl -sS {ISSUER}/behov/v1/needs" in text
    assert DEMO.client_secret in text


def test_every_page_exists_in_both_languages(tree: Path) -> None:
    found = {path.relative_to(tree).as_posix() for path in pages(tree)}
    swedish = {name for name in found if not name.startswith("en/")}
    english = {name.removeprefix("en/") for name in found if name.startswith("en/")}
    assert swedish == english
    assert len(swedish) > 20
    for name in (
        "apis/elak/v1/index.html",
        "problems/rate-limited/index.html",
        "plans/index.html",
        "404.html",
    ):
        assert name in swedish


def test_each_error_code_has_its_page(tree: Path) -> None:
    for folder, words in (("", "För många anrop"), ("en/", "Too many requests")):
        text = read(tree, f"{folder}problems/rate-limited").text
        assert words in text
        assert "429 Too Many Requests" in text
        assert "Retry-After" in text
        assert "problems/rate-limited/" in text
        assert "rate-limited" in read(tree, f"{folder}problems").text


def test_nothing_is_fetched_from_another_host(tree: Path) -> None:
    for path in pages(tree):
        page = Reader(path.read_text(encoding="utf-8"))
        name = path.relative_to(tree).as_posix()
        assert [url for url in page.fetched if re.match(r"(https?:)?//", url)] == [], name
        hosts = {match[1] for url in page.links if (match := re.match(r"(?:https?:)?//([^/:]+)", url))}
        assert hosts - LINKED - ({"evil.example"} if "elak" in name else set()) <= {"evil.example"} & hosts, (
            name
        )


def test_no_file_names_a_foreign_host(tree: Path) -> None:
    for path in tree.rglob("*"):
        if path.suffix in (".js", ".css", ".svg", ".xml", ".json") and path.name != "search_index.json":
            hosts = set(
                re.findall(r"https?://((?:[a-z0-9-]+\.)+[a-z]{2,})", path.read_text(encoding="utf-8"))
            )
            assert hosts - NAMESPACES - LINKED == set(), path.relative_to(tree)


def test_no_handlers_no_inline_styles_and_no_generator(tree: Path) -> None:
    for path in pages(tree):
        html = path.read_text(encoding="utf-8")
        assert Reader(html).handlers == [], path.relative_to(tree)
        assert "<style" not in html
        assert 'name="generator"' not in html
        page = Reader(html)
        assert [url for url in page.links + page.fetched if re.match(r"(javascript|data):", url)] == []


def test_the_policy_has_the_hash_of_every_inline_script_and_no_other(tree: Path) -> None:
    policy = Tree.load(tree).content_security_policy
    wanted = set()
    for path in pages(tree):
        html = path.read_text(encoding="utf-8")
        for attributes, code in re.findall(r"<script([^>]*)>(.*?)</script>", html, re.S):
            if "src=" not in attributes and "application/json" not in attributes:
                wanted.add(f"'sha256-{b64encode(hashlib.sha256(code.encode()).digest()).decode()}'")
    assert set(re.findall(r"'sha256-[^']+'", policy)) == wanted
    assert 0 < len(wanted) < 15
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")


def test_the_manifest_lists_every_file_and_its_twins(tree: Path) -> None:
    loaded = Tree.load(tree)
    on_disk = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}
    twins = {f"{name}.br" for name, e in loaded.files.items() if e.br}
    twins |= {f"{name}.gz" for name, e in loaded.files.items() if e.gz}
    assert on_disk == set(loaded.files) | twins | {MANIFEST}
    for name, entry in loaded.files.items():
        content = (tree / name).read_bytes()
        assert (entry.size, entry.etag) == (len(content), hashlib.sha256(content).hexdigest()[:24])
        assert entry.type != "application/octet-stream", name
        if entry.br:
            assert (tree / f"{name}.br").stat().st_size == entry.br < entry.size


def test_schemas_are_published(tree: Path) -> None:
    schema = json.loads((tree / "schemas" / "api.schema.json").read_text())
    assert schema["$schema"].startswith("https://json-schema.org/")


def test_nothing_is_built_again_until_something_changes(built: tuple[Path, BuildReport]) -> None:
    out, first = built
    again = build(sample_catalog(), PROBLEMS, ISSUER, out, demo_client=DEMO)
    assert (again.built, again.tree, again.digest) == (False, first.tree, first.digest)
    assert again.seconds < 2
    assert (out / "current").resolve() == first.tree


def test_a_rebuild_changes_no_etag(tree: Path, tmp_path: Path) -> None:
    report = build(sample_catalog(), PROBLEMS, ISSUER, tmp_path, demo_client=DEMO)
    assert report.built
    assert Tree.load(report.tree).files == Tree.load(tree).files


def test_a_failed_build_leaves_the_standing_tree(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(tree)
    broken = dataclasses.replace(PROBLEMS[0], code="../../evil")
    with pytest.raises(BuildFailed, match="evil"):
        build(sample_catalog(), [broken], ISSUER, tmp_path)
    assert (tmp_path / "current").resolve() == tree.resolve()
    assert [path.name for path in (tmp_path / "builds").iterdir()] == []


def test_an_empty_catalogue_builds_too(tmp_path: Path) -> None:
    problems: list[ProblemPage] = []
    report = build(Catalog(apis={}, plans={}, digest="none"), problems, ISSUER, tmp_path)
    assert "Inga API:er är publicerade ännu." in read(report.tree, "").text
