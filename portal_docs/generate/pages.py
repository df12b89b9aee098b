"""All generated Markdown pages of one language: name of the file → text.

The hand-written pages stand in `content/`; these are added beside them before MkDocs runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.catalog.answers.brownouts import written
from gateway.catalog.answers.values import Brownout
from gateway.catalog.model import Api, Catalog
from portal_docs.errors import BuildFailed
from portal_docs.generate import operation as operations
from portal_docs.generate import plans, samples, words
from portal_docs.generate.text import fence, mail, plain, rich
from portal_docs.model import DemoClient, ProblemPage

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What every generated page is made of."""

    catalog: Catalog
    problems: Sequence[ProblemPage]
    issuer: str  # public base address without a trailing slash
    demo: DemoClient | None
    measurements: Path  # folder of what the bench found


def generate(inputs: Inputs, language: str) -> dict[str, str]:
    """Path below the language's docs folder → Markdown."""
    _refuse_odd_names(inputs)
    env = _environment(language)
    apis = sorted(inputs.catalog.apis.values(), key=lambda api: (api.name[language].casefold(), -api.major))
    found = {
        "apis/index.md": env.get_template("apis.md.j2").render(
            apis=apis, plan_names={api.key: _plan_names(inputs.catalog, api, language) for api in apis}
        ),
        "plans.md": env.get_template("plans.md.j2").render(
            rows=[plans.row(plan, language, apis) for plan in plans.newest_plans(inputs.catalog).values()]
        ),
        "problems/index.md": env.get_template("problems.md.j2").render(
            problems=sorted(inputs.problems, key=lambda problem: (problem.status, problem.code))
        ),
    }
    for api in apis:
        found[f"apis/{api.key}.md"] = _api_page(env, inputs, api, language)
    for problem in inputs.problems:
        found[f"problems/{problem.code}.md"] = env.get_template("problem.md.j2").render(
            problem=problem, example=_problem_example(problem, inputs.issuer, language)
        )
    return found


def _refuse_odd_names(inputs: Inputs) -> None:
    """Ids become file names and addresses: one with a slash would be written beside the docs folder."""
    names = [api.id for api in inputs.catalog.apis.values()] + [problem.code for problem in inputs.problems]
    odd = [name for name in names if not _NAME.fullmatch(name)]
    if odd:
        raise BuildFailed(f"not usable as an address: {', '.join(map(repr, odd))}")


def _api_page(env: Environment, inputs: Inputs, api: Api, language: str) -> str:
    document = api.openapi if language == "en" else api.openapi_sv
    views = operations.views(api, document, inputs.issuer)
    sample_env = samples.environment()
    token_url = f"{inputs.issuer}/oauth2/token"
    code = {
        view.anchor: samples.samples(sample_env, view.call, token_url, language, inputs.demo)
        for view in views
    }
    info = document.get("info") or {}
    return env.get_template("api.md.j2").render(
        api=api,
        about=str(info.get("description") or ""),
        views=views,
        first=operations.first_call(views),
        samples=code,
        plans=[plans.row(plan, language) for plan in plans.offered(inputs.catalog, api)],
        subscribe=f"/console/?api={quote(api.key, safe='')}",
        issuer=inputs.issuer,
        demo=inputs.demo,
    )


def _plan_names(catalog: Catalog, api: Api, language: str) -> list[str]:
    return [plain(plan.name[language]) for plan in plans.offered(catalog, api)]


def _problem_example(problem: ProblemPage, issuer: str, language: str) -> str:
    example = {
        "type": f"{issuer}/portal/{'en/' if language == 'en' else ''}problems/{problem.code}/",
        "title": _reason(problem.status),
        "status": problem.status,
        "detail": problem.title[language],
        "instance": "/eko/v1/echo",
        "code": problem.code,
    }
    return json.dumps(example, ensure_ascii=False, indent=2)


def _environment(language: str) -> Environment:
    """Templates of Markdown. No autoescape: publishers' texts pass `plain`, `rich` or `cell` instead."""
    env = Environment(
        loader=PackageLoader("portal_docs", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - Markdown; see portal_docs.generate.text
    )
    env.filters["plain"] = plain
    env.filters["rich"] = rich
    env.filters["cell"] = lambda text: rich(text, inline=True)
    env.filters["mail"] = mail
    env.filters["fence"] = fence
    env.filters["heading"] = _heading
    env.filters["reason"] = _reason
    env.filters["planned"] = _planned
    env.globals.update(
        w=words.words(language),
        lang=language,
        status_names={status: text[language] for status, text in words.STATUS.items()},
        status_notes={status: text[language] for status, text in words.STATUS_NOTE.items()},
        family_names={family: text[language] for family, text in words.FAMILY.items()},
        shared_names={shared: text[language] for shared, text in words.SHARED.items()},
        guide=f"/portal/{'en/' if language == 'en' else ''}guides/answers/",
        checks_guide=f"/portal/{'en/' if language == 'en' else ''}guides/validation/",
        environment_names={env_: text[language] for env_, text in words.ENVIRONMENT.items()},
    )
    return env


def _planned(brownout: Brownout) -> str:
    """`2026-12-01 09:00–09:30`, Swedish time; with both days when they differ."""
    start, end = (written(at).replace("T", " ")[:16] for at in (brownout.start, brownout.end))
    return f"{start}–{end[11:] if end[:10] == start[:10] else end}"


def _heading(sentences: str) -> str:
    """The first of an error's sentences, without its full stop."""
    return plain(sentences.split(". ", maxsplit=1)[0].rstrip("."))


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Client Closed Request"
