"""Usage as CSV: the same figures as the page's table, for one app or a whole organisation."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from console.errors import UnknownParameter
from console.pages import csv_export
from console.pages.page import Page
from console.services import apps, periods, usage

GROUPS = ("day", "app", "api", "operation", "outcome")


async def csv_of(page: Page) -> Response:
    """`from` and `to` are Swedish calendar days, both included; the last 30 days without them."""
    first, last = page.query("from"), page.query("to")
    period = periods.read(first, last, page.now) if first or last else periods.last_days(page.now, 30)
    if period is None:
        raise UnknownParameter("period")
    organisation_id, app_id = page.path["organisation"], page.path.get("app")

    async def load(session: AsyncSession) -> str:
        figures = await usage.figures(session, page.actor, organisation_id, period, by=GROUPS, app_id=app_id)
        names = {app.id: app.name for app in await apps.every(session, page.actor, organisation_id)}
        return csv_export.write(figures, names)

    content = await page.read(load)
    return Response(
        content,
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="usage.csv"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Request-Id": page.arrival.request_id,
        },
    )
