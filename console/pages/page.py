"""One request for a page: who visits, what was sent, and the ways to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from wtforms import Form

from console import transactions
from console.arrival import LANGUAGES, Arrival
from console.errors import ConsoleError, FieldFault, NotSignedIn
from console.pages import csrf
from console.pages.site import Site
from console.problem import extra_headers
from console.roles import Actor, Via
from console.services import accounts
from console.services.accounts import Visit
from console.statuses import status_of
from console.transactions import Work
from console.translate_faults import translated

T = TypeVar("T")
F = TypeVar("F", bound=Form)


@dataclass(frozen=True, slots=True)
class Page:
    site: Site
    request: Request
    arrival: Arrival
    visit: Visit | None
    now: int
    form_seed: str = field(repr=False)  # for forms shown before sign-in
    sent: FormData = field(default_factory=FormData, repr=False)

    @property
    def actor(self) -> Actor:
        visit = self.demand_visit()
        return accounts.actor_of(
            visit.person,
            Via.PAGE,
            ip=self.arrival.ip,
            request_id=self.arrival.request_id,
            multi_factor=visit.authentication.multi_factor,
        )

    def demand_visit(self) -> Visit:
        """The live session. Raises NotSignedIn."""
        if self.visit is None:
            raise NotSignedIn("a page behind the door")
        return self.visit

    @property
    def path(self) -> dict[str, str]:
        return self.request.path_params

    @property
    def csrf_token(self) -> str:
        return self.visit.csrf if self.visit else csrf.token_of(self.form_seed)

    def query(self, name: str) -> str:
        """One query parameter, cut to a length no id or name of ours exceeds."""
        return self.request.query_params.get(name, "")[:200]

    def filled(self, form: type[F], **preset: object) -> F:
        """The form with what was sent; before anything was sent, with what is preset."""
        return form(
            self.sent if self.request.method == "POST" else None,
            data=preset,
            meta={"locales": [self.arrival.language]},
        )

    def blank(self, form: type[F], **preset: object) -> F:
        """A form beside the one that was sent."""
        return form(None, data=preset, meta={"locales": [self.arrival.language]})

    async def read(self, work: Work[T]) -> T:
        with translated():
            return await transactions.read(self.site.desk.database, work)

    async def write(self, work: Work[T]) -> T:
        with translated():
            return await transactions.write(self.site.desk.database, work)

    def html(
        self,
        template: str,
        context: Mapping[str, object] | None = None,
        *,
        status: int = 200,
        **more: object,
    ) -> Response:
        values = {
            "faults": (),
            "person": self.visit.person if self.visit else None,
            "csrf_token": self.csrf_token,
            "done": self.query("done"),
            "provider_label": self.site.provider_label(self.arrival.language),
            **(context or {}),
            **more,
        }
        return self.site.html(
            self.arrival, template, values, status=status, other_language=self._other_language()
        )

    def refused(
        self,
        template: str,
        form: Form,
        refusal: ConsoleError | None = None,
        context: Mapping[str, object] | None = None,
        **more: object,
    ) -> Response:
        """The form again, with what is wrong with it."""
        status = 400 if refusal is None else status_of(type(refusal))
        faults = faults_of(form, refusal, self)
        response = self.html(template, context, status=status, form=form, faults=faults, **more)
        for name, value in extra_headers(refusal) if refusal else ():
            response.headers[name] = value
        return response

    def see_other(self, path: str, **query: str) -> Response:
        """303, so that the browser follows with GET and a reload sends nothing twice."""
        return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)

    def _other_language(self) -> str:
        """This page in the other language; for the answer to a post, its start, since a link is always a GET."""
        other = LANGUAGES[1 - LANGUAGES.index(self.arrival.language)]
        if self.request.method not in ("GET", "HEAD"):
            return f"/console/?lang={other}"
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name != "lang"]
        return f"{self.request.url.path}?{urlencode([*kept, ('lang', other)])}"


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the error summary: the id of the field it leads to, and what is wrong."""

    field: str
    text: str


def faults_of(form: Form, refusal: ConsoleError | None, page: Page) -> Sequence[Shown]:
    """WTForms' own findings, then a refusal's fields, or its sentence where it names none of the form's."""
    language = page.arrival.language
    found = [Shown(field.name, str(text)) for field in form for text in list(field.errors)[:1]]
    if refusal is None:
        return found
    named: list[FieldFault] = [fault for fault in refusal.fields if fault.name in form]
    found += [Shown(fault.name, fault.text(language)) for fault in named]
    return found or [Shown("", refusal.text(language))]
