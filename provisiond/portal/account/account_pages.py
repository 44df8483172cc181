"""Pages: my account, what happened, the download of one's own data."""

from __future__ import annotations

import json

from starlette.responses import Response

from provisiond.domain.model import Account
from provisiond.portal.account import services
from provisiond.portal.account.download import download
from provisiond.portal.account.log_in_pages import HOME
from provisiond.portal.account.membership import member, proven_member
from provisiond.portal.account.overview import overview
from provisiond.portal.account.own_history import STUDENT, own_history
from provisiond.portal.activation.forms import EmptyForm
from provisiond.portal.application import Page
from provisiond.portal.visit import Stage, Visit

DONE = frozenset({"contact", "display-name", "alias", "password", "phone", "first-phone", "stopped"})
"""What `?done=` may say: the page says it in words."""


def my_account(visit: Visit, account: Account) -> Response:
    desk = visit.desk
    seen = overview(account, visit.at.astimezone(desk.house.zone).date(), desk.house.zone, desk.policy)
    naming = services.naming(desk)
    done = visit.query.get("done")
    return visit.page(
        "account/overview.html",
        seen=seen,
        names=naming.names(account, visit.at),
        may_have_alias=naming.has_alias_page(account, visit.at),
        services=[desk.rules.service(name, visit.language) for name in seen.services],
        issued=services.re_enrolment(desk).open_ticket(account.person_id, visit.at),
        codes_left=services.new_factor(desk).codes_left(account.person_id),
        done=done if done in DONE else None,
        form=EmptyForm.of(visit),
    )


def activity(visit: Visit, account: Account) -> Response:
    desk = visit.desk
    seen = overview(account, visit.at.astimezone(desk.house.zone).date(), desk.house.zone, desk.policy)
    happened = own_history(desk.ledger.history(account.person_id))
    return visit.page("account/activity.html", seen=seen, happened=happened)


def data(visit: Visit, account: Account) -> Response:
    """Told first, since the file is worth protecting; a POST, since it leaves a line in the history."""
    if not visit.is_post:
        return visit.page("account/data.html", form=EmptyForm.of(visit))
    desk = visit.desk
    told = download(desk.ledger, account, visit.at)
    desk.ledger.note(account.person_id, "data-downloaded", STUDENT, {}, visit.at)
    written = json.dumps(told, ensure_ascii=False, indent=2)
    named = f'attachment; filename="{account.account_name}.json"'
    return visit.dressed(
        Response(written, media_type="application/json", headers={"Content-Disposition": named})
    )


PAGES = (
    Page(HOME, Stage.MEMBER, get=member(my_account)),
    Page("/account/activity", Stage.MEMBER, get=member(activity)),
    Page("/account/data", Stage.MEMBER, get=proven_member(data), post=proven_member(data)),
)
