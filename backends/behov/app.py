"""The needs of care over HTTP. Bodies are `body`'s, stages `lifecycle`'s, memory `store`'s."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from backends.behov import body, lifecycle
from backends.behov.seeds import seeded
from backends.behov.store import AREAS, Answer, Full, Need, Store, Transition, new_id
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

BASE = "/behov/v1"
ENVIRONMENTS = ("sandbox", "production")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def need_json(need: Need, base: str) -> dict[str, Any]:
    address = f"{base}/needs/{need.id}"
    shown: dict[str, Any] = {
        "needId": need.id,
        "title": need.title,
        "description": need.description,
        "area": need.area,
        "stage": need.stage,
        "answerCount": len(need.answers),
        "createdAt": need.created_at,
        "updatedAt": need.updated_at,
        "_links": [
            link("self", address),
            link("answers", f"{address}/answers"),
            link("transitions", f"{address}/transitions"),
            *(link(event, f"{address}/transitions", "POST") for event in lifecycle.allowed(need.stage)),
        ],
    }
    return shown if need.unit is None else shown | {"unit": need.unit}


def answer_json(need: Need, answer: Answer, base: str) -> dict[str, Any]:
    address = f"{base}/needs/{need.id}"
    shown: dict[str, Any] = {
        "answerId": answer.id,
        "needId": need.id,
        "text": answer.text,
        "createdAt": answer.created_at,
        "_links": [link("self", f"{address}/answers/{answer.id}"), link("up", address)],
    }
    return shown if answer.contact is None else shown | {"contact": answer.contact}


def transition_json(need: Need, transition: Transition, base: str) -> dict[str, Any]:
    address = f"{base}/needs/{need.id}"
    shown: dict[str, Any] = {
        "transitionId": transition.id,
        "needId": need.id,
        "event": transition.event,
        "to": transition.after,
        "reason": transition.reason,
        "occurredAt": transition.occurred_at,
        "_links": [link("self", f"{address}/transitions/{transition.id}"), link("up", address)],
    }
    return shown if transition.before is None else shown | {"from": transition.before}


def created(shown: dict[str, Any]) -> Response:
    return JSONResponse(shown, 201, headers={"Location": shown["_links"][0]["href"]})


class Endpoints:
    def __init__(self, stores: dict[str, Store], clock: Callable[[], str]) -> None:
        self._stores = stores
        self._clock = clock

    def _store(self, request: Request) -> Store:
        """The gateway says the environment; called directly, this is the sandbox."""
        return self._stores.get(request.headers.get("sluss-environment", ""), self._stores["sandbox"])

    def _need(self, request: Request) -> Need:
        need = self._store(request).needs.get(request.path_params["needId"])
        if need is None:
            raise Problem(404, "There is no need with this id.", "not-found")
        return need

    async def list_needs(self, request: Request) -> Response:
        query = request.query_params
        stage = one_of(query.get("stage"), "stage", lifecycle.STAGES)
        area = one_of(query.get("area"), "area", AREAS)
        page = page_of(request)
        found = self._store(request).search(stage, area, search_words(query.get("q")))
        base = base_url(request)
        needs = [need_json(need, base) for need in page.cut(found)]
        links = page_links(request, f"{base}/needs", page, len(found))
        return JSONResponse({"needs": needs, "_meta": page.meta(len(found), len(needs)), "_links": links})

    async def create_need(self, request: Request) -> Response:
        value = body.new_need(await body.object_of(request))
        at = self._clock()
        need = Need(
            id=new_id("beh"),
            title=value["title"],
            description=value["description"],
            area=value["area"],
            unit=value.get("unit"),
            stage="nytt",
            organisation=request.headers.get("sluss-organisation", ""),
            created_at=at,
            updated_at=at,
            transitions=(Transition(new_id("ste"), "publish", None, "nytt", "Behovet publicerades.", at),),
        )
        self._store(request).add(need)
        return created(need_json(need, base_url(request)))

    async def get_need(self, request: Request) -> Response:
        return JSONResponse(need_json(self._need(request), base_url(request)))

    async def list_answers(self, request: Request) -> Response:
        need, page, base = self._need(request), page_of(request), base_url(request)
        answers = [answer_json(need, answer, base) for answer in page.cut(need.answers)]
        total = len(need.answers)
        links = page_links(request, f"{base}/needs/{need.id}/answers", page, total)
        return JSONResponse({"answers": answers, "_meta": page.meta(total, len(answers)), "_links": links})

    async def answer_need(self, request: Request) -> Response:
        self._need(request)
        value = body.new_answer(await body.object_of(request))
        need = self._need(request)
        answer = Answer(new_id("sva"), value["text"], value.get("contact"), self._clock())
        try:
            self._store(request).answer(need, answer)
        except Full as error:
            raise Problem(409, "The need takes no more answers.", "full") from error
        return created(answer_json(need, answer, base_url(request)))

    async def get_answer(self, request: Request) -> Response:
        need = self._need(request)
        for answer in need.answers:
            if answer.id == request.path_params["answerId"]:
                return JSONResponse(answer_json(need, answer, base_url(request)))
        raise Problem(404, "There is no answer with this id.", "not-found")

    async def list_transitions(self, request: Request) -> Response:
        need, base = self._need(request), base_url(request)
        shown = [transition_json(need, transition, base) for transition in need.transitions]
        address = f"{base}/needs/{need.id}"
        links = [link("self", f"{address}/transitions"), link("up", address)]
        return JSONResponse({"transitions": shown, "_links": links})

    async def move_need(self, request: Request) -> Response:
        self._need(request)
        value = body.new_transition(await body.object_of(request))
        need = self._need(request)
        self._check_may_move(request, need)
        stage = lifecycle.after(need.stage, value["event"])
        if stage is None:
            fits = ", ".join(lifecycle.allowed(need.stage))
            detail = f"A need in the stage {need.stage} allows: {fits}"
            raise Problem(409, detail, "stage-does-not-allow")
        moved = Transition(new_id("ste"), value["event"], need.stage, stage, value["reason"], self._clock())
        try:
            self._store(request).move(need, moved)
        except Full as error:
            raise Problem(409, "The need takes no more transitions.", "full") from error
        return created(transition_json(need, moved, base_url(request)))

    def _check_may_move(self, request: Request, need: Need) -> None:
        caller = request.headers.get("sluss-organisation", "")
        sandbox = self._store(request) is self._stores["sandbox"]
        if need.organisation != caller and not (need.organisation is None and sandbox):
            raise Problem(403, "Only the organisation that wrote the need may move it.", "not-yours")

    async def get_transition(self, request: Request) -> Response:
        need = self._need(request)
        for transition in need.transitions:
            if transition.id == request.path_params["transitionId"]:
                return JSONResponse(transition_json(need, transition, base_url(request)))
        raise Problem(404, "There is no transition with this id.", "not-found")


def create(clock: Callable[[], str] = now) -> Starlette:
    endpoints = Endpoints({environment: seeded() for environment in ENVIRONMENTS}, clock)
    need = "/needs/{needId}"
    return application(
        BASE,
        [
            Operation("listNeeds", "GET", "/needs", endpoints.list_needs),
            Operation("createNeed", "POST", "/needs", endpoints.create_need),
            Operation("getNeed", "GET", need, endpoints.get_need),
            Operation("listAnswers", "GET", f"{need}/answers", endpoints.list_answers),
            Operation("answerNeed", "POST", f"{need}/answers", endpoints.answer_need),
            Operation("getAnswer", "GET", f"{need}/answers/{{answerId}}", endpoints.get_answer),
            Operation("listTransitions", "GET", f"{need}/transitions", endpoints.list_transitions),
            Operation("moveNeed", "POST", f"{need}/transitions", endpoints.move_need),
            Operation(
                "getTransition", "GET", f"{need}/transitions/{{transitionId}}", endpoints.get_transition
            ),
        ],
    )
