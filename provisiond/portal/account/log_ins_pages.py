"""Pages: where one is logged in, for every member to see, and ending it elsewhere, after fresh proof."""

from __future__ import annotations

from starlette.responses import Response

from provisiond.domain.model import Account
from provisiond.portal import devices
from provisiond.portal.account import services
from provisiond.portal.account.membership import is_proven, member, proven_member
from provisiond.portal.activation.forms import EmptyForm
from provisiond.portal.application import Page
from provisiond.portal.visit import Stage, Visit

LOG_INS = "/account/log-ins"
OTHERS = "others"
"""In the form, in place of one log-in's name: all but this one."""
DONE = frozenset({"one", OTHERS, "none"})


def log_ins(visit: Visit, account: Account) -> Response:
    """Where ending needs another proof first, a link to it stands in place of the buttons."""
    service, done = services.log_ins(visit.desk), visit.query.get("done")
    places = [
        (one, devices.named(one.device), service.name(account.person_id, one)) for one in visit.logged_in()
    ]
    return visit.page(
        "account/log-ins.html",
        places=places,
        proven=is_proven(visit),
        done=done if done in DONE else None,
        form=EmptyForm.of(visit),
    )


def end(visit: Visit, account: Account) -> Response:
    if not visit.is_post:
        return log_ins(visit, account)
    service, which = services.log_ins(visit.desk), visit.form.get("log_in", "")
    if which == OTHERS:
        ended = service.end_others(account.person_id, visit.end_other_sessions, visit.logged_in(), visit.at)
    else:
        ended = service.end(account.person_id, which, visit.logged_in(), visit.at)
    done = "none" if not ended else OTHERS if which == OTHERS else "one"
    return visit.redirect(f"{LOG_INS}?done={done}")


PAGES = (
    Page(LOG_INS, Stage.MEMBER, get=member(log_ins)),
    Page(f"{LOG_INS}/end", Stage.MEMBER, get=proven_member(end), post=proven_member(end)),
)
