"""From a request to a view and back: who visits, did the form come from us, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Enum
from urllib.parse import parse_qsl

from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from console import arrival, cookies, errors, transactions
from console.arrival import ID
from console.management.strict_json import collect
from console.origin import same_origin
from console.pages import csrf, passage
from console.pages.local_path import local
from console.pages.page import Page
from console.pages.site import Site
from console.problem import extra_headers
from console.services.accounts import Visit
from console.services.standing import demand_operator
from console.statuses import status_of
from console.translate_faults import translated

MOST_FORM_BYTES = 64 * 1024
MOST_FIELDS = 50
LANGUAGE_FOR = 365 * 86_400
FRESH = 900  # seconds after sign-in in which one may change how one signs in
SECURITY = "/console/security"

View = Callable[[Page], Awaitable[Response]]


class Door(Enum):
    OPEN = "open"
    PERSON = "person"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class PageRoute:
    path: str  # below /console
    get: View | None = None
    post: View | None = None
    door: Door = Door.PERSON
    fresh: bool = False  # only shortly after sign-in: what a stolen session must not be able to do

    @property
    def methods(self) -> tuple[str, ...]:
        return (*(("GET", "HEAD") if self.get else ()), *(("POST",) if self.post else ()))


class PageEndpoint:
    """One page route as an ASGI application."""

    def __init__(self, site: Site, route: PageRoute) -> None:
        self._site = site
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        arrived = arrival.read(request)
        page = Page(self._site, request, arrived, None, self._site.desk.now(), _seed(request, self._site))
        try:
            with translated():
                visit = await cookies.visit(request, self._site.desk, page.now)
            page = replace(page, visit=visit)
            response = await self._run(page)
        except errors.ConsoleError as refusal:
            response = await self._refused(page, refusal)
        except ClientDisconnect:
            response = Response(status_code=400)  # nobody reads it
        _set_cookies(page, response)
        return response

    async def _run(self, page: Page) -> Response:
        view = self._route.post if page.request.method == "POST" else self._route.get
        if view is None or page.request.method not in self._route.methods:
            raise errors.MethodNotAllowed(page.request.method, allowed=self._route.methods)
        if self._route.door is not Door.OPEN and page.visit is None:
            raise errors.NotSignedIn("no session")
        if page.request.method == "POST":
            page = replace(page, sent=await _form(page))
        if not all(ID.fullmatch(value) for value in page.path.values()):
            raise errors.NotFound("no id's form")
        if self._route.door is Door.OPERATOR:
            demand_operator(page.actor)
        if self._route.fresh and page.visit is not None:
            _demand_fresh(page.visit, page.now)
        return await passage.widened(page, await view(page))

    async def _refused(self, page: Page, refusal: errors.ConsoleError) -> Response:
        if type(refusal) is errors.NotSignedIn:
            return _to_sign_in(page)
        if type(refusal) is errors.SignInTooOld:
            return page.see_other("/console/sign-in", again="1", next=SECURITY)
        hidden_act = page.request.method == "POST" and isinstance(refusal, errors.NotFound)
        if page.visit is not None and (refusal.audited or hidden_act):
            where = f"{page.request.method} /console{self._route.path}"
            with translated():
                await transactions.record_refusal(
                    self._site.desk.database, page.actor, refusal, where, page.path, page.now
                )
        if type(refusal) is errors.SecondFactorDemanded and page.request.method != "POST":
            return page.see_other(SECURITY, done="second-factor-demanded")
        return refusal_page(page, refusal)


def _demand_fresh(visit: Visit, now: int) -> None:
    if now - visit.authentication.auth_time > FRESH:
        raise errors.SignInTooOld(visit.person.id)


def refusal_page(page: Page, refusal: errors.ConsoleError) -> Response:
    """A whole page that says no, with the request's id for whoever asks us about it."""
    response = page.html("refusal.html", status=status_of(type(refusal)), refusal=refusal)
    for name, value in extra_headers(refusal):
        response.headers[name] = value
    return response


def _to_sign_in(page: Page) -> Response:
    """Back here after sign-in, but only to what a link can ask for."""
    if page.request.method != "GET":
        return RedirectResponse("/console/sign-in", 303)
    query = page.request.url.query
    here = local(page.request.url.path + (f"?{query}" if query else ""))
    return page.see_other("/console/sign-in", next=here)


async def _form(page: Page) -> FormData:
    """The sent form, once it is known to be ours. Raises Unreadable and CrossSite."""
    request = page.request
    if not same_origin(request.headers, page.site.desk.issuer):
        raise errors.CrossSite("origin")
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/x-www-form-urlencoded":
        raise errors.Unreadable(media[:100])
    body = await collect(request.stream(), MOST_FORM_BYTES)
    try:
        pairs: list[tuple[str, str | UploadFile]] = [
            *parse_qsl(
                body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
            )
        ]
    except ValueError as error:
        raise errors.Unreadable("form") from error
    sent = FormData(pairs)
    given = sent.getlist("csrf_token")
    if len(given) != 1 or not csrf.equal(page.csrf_token, str(given[0])):
        raise errors.CrossSite("form token")
    return sent


def _seed(request: Request, site: Site) -> str:
    kept = request.cookies.get(cookies.form_name(secure=site.desk.secure), "")
    return kept if csrf.usable_seed(kept) else csrf.new_seed()


def _set_cookies(page: Page, response: Response) -> None:
    desk = page.site.desk
    name = cookies.form_name(secure=desk.secure)
    if page.visit is None and page.request.cookies.get(name) != page.form_seed:
        cookies.put(response, name, page.form_seed, desk)
    if page.request.query_params.get("lang") in arrival.LANGUAGES:
        cookies.put(response, arrival.LANGUAGE_COOKIE, page.arrival.language, desk, seconds=LANGUAGE_FOR)
