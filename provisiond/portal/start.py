"""The first page, and what anybody may read: the acceptable use policy."""

from __future__ import annotations

from starlette.responses import Response

from provisiond.portal.application import Page
from provisiond.portal.visit import Stage, Visit


def start(visit: Visit) -> Response:
    return visit.page("start.html")


def terms(visit: Visit) -> Response:
    return visit.page(
        "terms.html", terms=visit.desk.terms[visit.language], version=visit.desk.rules.terms_version
    )


PAGES = (
    Page("/", Stage.VISITOR, get=start),
    Page("/terms", Stage.VISITOR, get=terms),
)
