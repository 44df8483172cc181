"""Who may see a page of self-service: members whose account still gives a log-in, and, for what could lock the owner
out, members who showed password and second factor within the last minutes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from starlette.responses import Response

from provisiond.domain.model import Account
from provisiond.portal.account.login import may_log_in
from provisiond.portal.application import LOG_IN, View
from provisiond.portal.visit import Visit

PROOF_LASTS = timedelta(minutes=5)
CONFIRM = "/account/confirm"

MemberView = Callable[[Visit, Account], Response]


def member(view: MemberView) -> View:
    """The view with the account as it is now. Who may not log in any more is out, wherever they are logged in."""

    def seen(visit: Visit) -> Response:
        desk = visit.desk
        account = desk.ledger.account(visit.person_id)
        if account is None or not may_log_in(account, visit.at, desk.house.zone, desk.policy):
            desk.sessions.end_all(visit.person_id)
            visit.end()
            return visit.redirect(LOG_IN)
        return view(visit, account)

    return seen


def proven_member(view: MemberView) -> View:
    """As `member`; who has not shown password and second factor lately is asked for them, and then comes back."""

    def seen(visit: Visit, account: Account) -> Response:
        if is_proven(visit):
            return view(visit, account)
        visit.remember(next=visit.path)
        return visit.redirect(CONFIRM)

    return member(seen)


def is_proven(visit: Visit) -> bool:
    proved_at = visit.session.proved_at if visit.session else None
    return proved_at is not None and timedelta() <= visit.at - proved_at <= PROOF_LASTS
