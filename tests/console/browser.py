"""A browser without JavaScript: keeps cookies, sends what browsers send, fills in and submits the forms it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

ISSUER = "http://localhost:8080"


@dataclass
class SentForm:
    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)


class Reader(HTMLParser):
    """Forms with their preset values, and the text people see."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[SentForm] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        names = {name for name, _ in attrs}
        if tag == "form":
            self.forms.append(SentForm(given.get("action", ""), given.get("method", "get")))
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and self._select and self.forms:
            values = self.forms[-1].values
            if "selected" in names or self._select not in values:
                values[self._select] = given["value"]
        elif tag == "input" and self.forms and "name" in given:
            if given.get("type") in ("radio", "checkbox") and "checked" not in names:
                return
            self.forms[-1].values[given["name"]] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@dataclass
class Shown:
    """A page after redirects."""

    answer: httpx.Response
    reader: Reader

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def path(self) -> str:
        return self.answer.url.path

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.reader.text).split())

    def form(self, ending: str) -> SentForm:
        """The form whose action's path ends so."""
        found = [form for form in self.reader.forms if form.action.partition("?")[0].endswith(ending)]
        assert len(found) == 1, (ending, [form.action for form in self.reader.forms])
        return found[0]


@dataclass
class Browser:
    client: httpx.AsyncClient
    code: Callable[[], str] = str  # the code for a second step

    async def get(self, path: str) -> Shown:
        return await self._follow(await self.client.get(path, headers={"Sec-Fetch-Site": "none"}))

    async def submit(self, page: Shown, ending: str, values: Mapping[str, str] | None = None) -> Shown:
        form = page.form(ending)
        assert form.method == "post"
        target = urljoin(str(page.answer.url), form.action)
        return await self._follow(await self.post(target, {**form.values, **(values or {})}))

    async def post(
        self, path: str, values: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        sent = {"Origin": ISSUER, "Sec-Fetch-Site": "same-origin"} if headers is None else dict(headers)
        return await self.client.post(path, data=dict(values), headers=sent)

    async def _follow(self, answer: httpx.Response) -> Shown:
        for _ in range(5):
            if answer.status_code not in (301, 302, 303, 307, 308):
                break
            assert answer.status_code == 303, "307 and 308 would send the form again"
            answer = await self.client.get(urljoin(str(answer.url), answer.headers["location"]))
        return await self.read(answer)

    async def read(self, answer: httpx.Response) -> Shown:
        reader = Reader()
        reader.feed(answer.text)
        return Shown(answer, reader)

    async def sign_in(self, email: str, password: str) -> Shown:
        page = await self.get("/console/sign-in")
        page = await self.submit(page, "/sign-in", {"email": email, "password": password})
        if page.path == "/console/sign-in/code":
            page = await self.submit(page, "/sign-in/code", {"code": self.code()})
        return page
