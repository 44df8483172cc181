"""What the reader sees in place of a page: what happened, and what to do now, in both languages."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from provisiond.portal.language import N_
from provisiond.portal.trouble import Trouble
from provisiond.portal.visit import Visit

# status: (title, what to do)
WORDS = {
    400: (N_("We could not read that request"), N_("Please go back to the start and try again.")),
    403: (
        N_("This page was open for too long"),
        N_("For your safety it has expired. Nothing was changed. Please go back to the start and try again."),
    ),
    404: (N_("This page does not exist"), N_("The address may be mistyped, or the page has moved.")),
    405: (N_("This page cannot be used that way"), N_("Please go back to the start.")),
    413: (N_("That was too much text"), N_("Please go back and send less.")),
    415: (N_("We could not read that request"), N_("Please go back to the start and try again.")),
    421: (N_("This is not the address of this site"), N_("Please check the address in your browser.")),
    429: (
        N_("Too many tries"),
        N_("To protect accounts we slow down repeated tries. Nothing is locked: please wait a little."),
    ),
    500: (
        N_("Something went wrong on our side"),
        N_("It is not your fault. Please try again in a few minutes."),
    ),
    503: (
        N_("We cannot do this at the moment"),
        N_("A system that we depend on does not answer. Please try again in a few minutes."),
    ),
}
UNREADABLE = (
    N_("Your second factor cannot be read"),
    N_(
        "A key on our side is missing, and waiting does not help: please ask the help desk. If you have a recovery "
        "code, you can log in with it and set up your phone again."
    ),
)


def refused(visit: Visit, trouble: Trouble, methods: str = "") -> Response:
    title, advice = UNREADABLE if trouble.unreadable else WORDS[trouble.status]
    made = visit.page(
        "error.html",
        trouble.status,
        title=title,
        advice=advice,
        wait=trouble.wait,
        reference=visit.request_id if trouble.status == HTTPStatus.INTERNAL_SERVER_ERROR else None,
    )
    if trouble.wait:
        made.headers["Retry-After"] = str(max(1, round(trouble.wait.total_seconds())))
    if trouble.status == HTTPStatus.METHOD_NOT_ALLOWED:
        made.headers["Allow"] = methods
    return made
