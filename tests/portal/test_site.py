"""Serving: only what the manifest lists, in the coding that was asked for, with lasting ETags."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import brotli
import httpx
import pytest
from starlette.applications import Starlette

from console.portal_site import HeldFiles, PortalSite, choose, matches
from portal_docs.build import BuildReport
from portal_docs.finish import MANIFEST, Entry, finish


@pytest.fixture
async def client(built: tuple[Path, BuildReport]) -> AsyncIterator[httpx.AsyncClient]:
    """Mounted as the control plane mounts it."""
    app = Starlette(routes=PortalSite(built[0]).routes())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://portal.test", headers={"Accept-Encoding": "identity"}
    ) as made:
        yield made


async def test_a_page_with_all_its_headers(client: httpx.AsyncClient, tree: Path) -> None:
    answer = await client.get("/portal/")
    assert answer.status_code == 200
    assert answer.content == (tree / "index.html").read_bytes()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("asked", "given"),
    [("br", "br"), ("gzip", "gzip"), ("gzip, br", "br"), ("br;q=0.1, gzip", "gzip"), ("br;q=0, gzip;q=0", ""),
     ("*", "br"), ("*;q=0", ""), ("", ""), ("deflate", ""), ("br;q=x", "")],
)  # fmt: skip
async def test_the_coding_is_negotiated(
    client: httpx.AsyncClient, tree: Path, asked: str, given: str
) -> None:
    async with client.stream("GET", "/portal/", headers={"Accept-Encoding": asked}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers.get("content-encoding", "") == given
    assert answer.headers["vary"] == "Accept-Encoding"
    assert int(answer.headers["content-length"]) == len(raw)
    unpacked = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}[given](raw)
    assert unpacked == (tree / "index.html").read_bytes()


async def test_etags_differ_by_coding_and_give_304(client: httpx.AsyncClient) -> None:
    tags = {}
    for coding in ("identity", "br", "gzip"):
        tags[coding] = (await client.get("/portal/", headers={"Accept-Encoding": coding})).headers["etag"]
    assert len(set(tags.values())) == 3
    for coding, tag in tags.items():
        asked = {"Accept-Encoding": coding, "If-None-Match": f'"other", W/{tag}'}
        again = await client.get("/portal/", headers=asked)
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == tag
        assert "content-security-policy" in again.headers
    assert (await client.get("/portal/", headers={"If-None-Match": '"other"'})).status_code == 200


def test_if_none_match_follows_the_rfc() -> None:
    assert matches("*", '"a"')
    assert matches('"b", "a"', '"a"')
    assert not matches("", '"a"')
    assert not matches("a", '"a"')


async def test_head_has_the_length_and_no_body(client: httpx.AsyncClient, tree: Path) -> None:
    answer = await client.head("/portal/plans/")
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) == (tree / "plans" / "index.html").stat().st_size


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_other_methods_are_refused(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/portal/")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("path", "location"),
    [("/portal", "/portal/"), ("/portal/apis", "/portal/apis/"), ("/portal/en", "/portal/en/"),
     ("/portal/en/apis/behov/v1?a=1&b=%22", "/portal/en/apis/behov/v1/?a=1&b=%22")],
)  # fmt: skip
async def test_a_missing_slash_is_added_on_this_host(
    client: httpx.AsyncClient, path: str, location: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == 308
    assert answer.headers["location"] == location


@pytest.mark.parametrize(
    "path",
    ["/portal//evil.example", "/portal/%2f%2fevil.example", "/portal/%5c%5cevil.example", "/portal/..//evil.example",
     "/portal/http://evil.example", "/portal/%0d%0aLocation:%20x"],
)  # fmt: skip
async def test_nothing_redirects_away(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "path",
    ["/portal/manifest.json", "/portal/index.html.br", "/portal/index.html.gz", "/portal/../manifest.json",
     "/portal/%2e%2e/%2e%2e/current/manifest.json", "/portal/..%2f..%2f..%2fetc%2fpasswd", "/portal/%00",
     "/portal/apis/../index.html", "/portal/./index.html", "/portal/assets/", "/portal/index.html/",
     "/portal/INDEX.HTML", "/portal/404.html", "/portal/en/404.html"],
)  # fmt: skip
async def test_what_is_not_listed_does_not_exist(
    built: tuple[Path, BuildReport], path: str, tree: Path
) -> None:
    # Not through a client: httpx would take the dot segments out before we see them.
    scope = {"type": "http", "method": "GET", "path": unquote(path), "query_string": b"", "headers": []}
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await PortalSite(built[0])(scope, receive, send)
    assert sent[0]["status"] == 404
    english = path.startswith("/portal/en/")
    assert sent[1]["body"] == (tree / ("en/404.html" if english else "404.html")).read_bytes()


async def test_not_found_speaks_the_language_of_the_address(client: httpx.AsyncClient) -> None:
    assert "Sidan finns inte" in (await client.get("/portal/nope/")).text
    assert "Page not found" in (await client.get("/portal/en/nope/")).text


async def test_hashed_files_are_kept_for_ever(client: httpx.AsyncClient, tree: Path) -> None:
    name = next((tree / "assets" / "javascripts").glob("bundle.*.min.js")).name
    answer = await client.get(f"/portal/assets/javascripts/{name}")
    assert "immutable" in answer.headers["cache-control"]
    assert (await client.get("/portal/assets/sluss.css")).headers["cache-control"] == "no-cache"


def _tree(out: Path, name: str, text: str) -> None:
    folder = out / "builds" / name
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(text)
    (folder / "404.html").write_text("404")
    finish(folder, name)
    fresh = out / "fresh"
    fresh.symlink_to(Path("builds") / name)
    os.replace(fresh, out / "current")


async def test_a_new_tree_is_taken_up_without_a_restart(tmp_path: Path) -> None:
    site = PortalSite(tmp_path)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=site), base_url="http://x") as made:
        unbuilt = await made.get("/portal/")
        assert unbuilt.status_code == 503
        assert unbuilt.headers["retry-after"] == "5"
        _tree(tmp_path, "one", "ett")
        assert (await made.get("/portal/")).text == "ett"
        _tree(tmp_path, "two", "två")
        assert (await made.get("/portal/")).text == "två"
        (tmp_path / "builds" / "three").mkdir()
        (tmp_path / "current").unlink()
        (tmp_path / "current").symlink_to("builds/three")  # a tree without a manifest
        assert (await made.get("/portal/")).text == "två"


async def test_etags_come_from_content_alone(tmp_path: Path) -> None:
    _tree(tmp_path, "one", "samma")
    _tree(tmp_path, "two", "samma")
    entries = [
        json.loads((tmp_path / "builds" / name / MANIFEST).read_text())["files"] for name in ("one", "two")
    ]
    assert entries[0] == entries[1]


def test_the_english_404_is_for_english_addresses() -> None:
    entry = Entry("e", "text/html", 1, 0, 0)
    files = {"404.html": entry, "en/404.html": entry, "enter/index.html": entry}
    names = {
        below: chosen.name
        for below in ("/en/x", "/enx", "/enter/", "/")
        if (chosen := choose(files, below, ""))
    }
    assert names == {
        "/en/x": "en/404.html",
        "/enx": "404.html",
        "/enter/": "enter/index.html",
        "/": "404.html",
    }


async def test_held_files_stay_below_their_limit(tmp_path: Path) -> None:
    held = HeldFiles(10)
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(name.encode() * 4)
    assert await held.read(tmp_path / "a") == b"aaaa"
    assert await held.read(tmp_path / "b") == b"bbbb"
    assert await held.read(tmp_path / "a") == b"aaaa"
    assert await held.read(tmp_path / "c") == b"cccc"
    for name in ("a", "b", "c"):
        (tmp_path / name).unlink()
    assert await held.read(tmp_path / "a") == b"aaaa"
    with pytest.raises(FileNotFoundError):
        await held.read(tmp_path / "b")
