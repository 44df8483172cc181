"""The way in for an account that is active and has no second factor: adopted, activated by an operator, or known from
a ledger that was rebuilt. Identity is not enough, since services are open already.

Decides what is asked for beside it: the present password, or, where that is not known, a code that is mailed to the
personal address, by which another password is chosen. What follows are the pages of enrolment."""

from __future__ import annotations

from datetime import timedelta

import structlog
from starlette.responses import Response

from provisiond.portal.account import services
from provisiond.portal.account.new_password import said
from provisiond.portal.activation import course
from provisiond.portal.activation.entrance import WRONG_CODE
from provisiond.portal.activation.forms import MailedCodeForm, PasswordForm, PresentPasswordForm
from provisiond.portal.activation.identity import Wait
from provisiond.portal.activation.situation import Particulars, PhoneMissing
from provisiond.portal.language import N_
from provisiond.portal.trouble import too_many
from provisiond.portal.visit import Stage, Visit
from provisiond.ports.short_memory import Rate

PRESENT, MAILED = "/activate/present-password", "/activate/mailed-code"
WRONG_PASSWORD = N_("That is not the password of this account.")
log = structlog.get_logger("provisiond.portal")
_SETTINGS = Rate("password-settings", 30, timedelta(hours=1))


def present_password(visit: Visit) -> Response:
    """Counted together with the tries of the log-in: it is the same password."""
    who = _who(visit)
    if who is None:
        return visit.redirect(course.ACCOUNT)
    form = PresentPasswordForm.of(visit)
    if visit.is_post and form.validate():
        if _is_right(visit, who, form.password.data or ""):
            known = {**visit.content, "password_at": visit.at.isoformat()}
            visit.begin(Stage.PROVEN, who.person_id, known)
            return visit.redirect(course.FACTOR)
        form.refuse("password", WRONG_PASSWORD)
    return visit.page("activation/present-password.html", 422 if form.errors else 200, form=form, who=who)


def _is_right(visit: Visit, who: Particulars, password: str) -> bool:
    tries = services.attempts(visit.desk, "login")
    if delay := tries.begin(who.account_name, visit.address, visit.at):
        raise too_many(delay)
    known = services.credentials(visit.desk)
    if known.has_password(who.person_id, who.account_name, password, visit.at):
        tries.succeeded(who.account_name, visit.address)
        return True
    tries.failed(who.account_name, visit.address, visit.at)
    log.info("password refused", **visit.traces(who.account_name), request=visit.request_id)
    return False


def send(visit: Visit) -> Response:
    """Who asks has proven who they are: nothing needs hiding. Enough were sent: the last one still counts."""
    who = _who(visit)
    if who is None:
        return visit.redirect(course.ACCOUNT)
    course.possession(visit.desk).send(who.person_id, visit.at)
    return visit.redirect(MAILED)


def mailed_code(visit: Visit) -> Response:
    who = _who(visit)
    if who is None:
        return visit.redirect(course.ACCOUNT)
    form = MailedCodeForm.of(visit)
    if visit.is_post and form.validate():
        answer = course.possession(visit.desk).shown(
            who.person_id, who.student_id, form.code.data or "", visit.address, visit.at
        )
        if isinstance(answer, Wait):
            raise too_many(answer.delay)
        if answer:
            visit.begin(Stage.PROVEN, who.person_id, {**visit.content, "mailed": True})
            return visit.redirect(course.PASSWORD)
        log.info("mailed code refused", **visit.traces(who.student_id), request=visit.request_id)
        form.refuse("code", WRONG_CODE)
    lasts = visit.desk.policy.portal.code_lasts
    return visit.page("activation/mailed-code.html", 422 if form.errors else 200, form=form, lasts=lasts)


def has_mailed_code(visit: Visit) -> bool:
    """Whether this session showed the code of the mail: it may choose another password."""
    return visit.content.get("mailed") is True


def change_password(visit: Visit, who: Particulars, form: PasswordForm) -> None:
    """Of an account in use: the person is told, and whoever else is logged in is out. Faults go to the form."""
    slow_down(visit, who)
    account = visit.desk.ledger.account(who.person_id)
    assert account is not None, "it was there a moment ago"
    service = services.new_password(visit.desk)
    for fault in service.set(account, form.password.data or "", visit.at, visit.end_other_sessions):
        form.refuse("password", said(fault, visit.desk.passwords.minimum_length))


def slow_down(visit: Visit, who: Particulars) -> None:
    """Before another password is judged."""
    key = visit.desk.digests.opaque("throttle", f"password {who.person_id}")
    if wait := visit.desk.throttle.admit([(_SETTINGS, key)], visit.at):
        raise too_many(wait)


def _who(visit: Visit) -> Particulars | None:
    """Whose identity was proven in this session, where this way is theirs."""
    found = course.whereabouts(visit) if course.is_proven(visit) else None
    return found.who if isinstance(found, PhoneMissing) else None
