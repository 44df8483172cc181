"""Pages: log-in, log-out, and showing again who one is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import structlog
from starlette.responses import Response

from provisiond.domain.model import Account
from provisiond.portal import known_browser
from provisiond.portal.account import services
from provisiond.portal.account.credentials import Shown
from provisiond.portal.account.forms import ConfirmForm, LogInForm, RecoveryConfirmForm, RecoveryLogInForm
from provisiond.portal.account.login import Admitted, Entered, NotAdmitted, ToActivate, Wait, account_name
from provisiond.portal.account.membership import CONFIRM, member
from provisiond.portal.application import LOG_IN, Page
from provisiond.portal.forms import Form
from provisiond.portal.language import N_
from provisiond.portal.trouble import too_many
from provisiond.portal.visit import Stage, Visit

HOME = "/account"
DONE = frozenset({"out", "password", "phone"})
"""What the log-in page may say first."""
NOT_ADMITTED = N_(
    "That is not right. Check account name, password and code; a code works once, then wait for the next."
)
log = structlog.get_logger("provisiond.portal")


@dataclass(frozen=True, slots=True)
class _Way:
    """Which form: with a code from the phone, or a recovery code."""

    with_recovery_code: bool
    log_in: type[Form]
    confirm: type[Form]


_PHONE = _Way(False, LogInForm, ConfirmForm)
_RECOVERY = _Way(True, RecoveryLogInForm, RecoveryConfirmForm)


def _way(visit: Visit) -> _Way:
    return _RECOVERY if visit.query.get("with") == "recovery-code" else _PHONE


def log_in(visit: Visit) -> Response:
    if visit.stage is Stage.MEMBER:
        return visit.redirect(HOME)
    way = _way(visit)
    form = way.log_in.of(visit)
    if not (visit.is_post and form.validate()):
        return _log_in_page(visit, form, way)
    name = account_name(form.text("name"), visit.desk.house.mail_domain)
    entered = Entered(
        name=name,
        password=form.text("password"),
        code=form.text("code"),
        with_recovery_code=way.with_recovery_code,
        address=visit.address,
        lane=known_browser.lane(visit, name),
    )
    answer = services.log_in(visit.desk).judge(entered, visit.at)
    match answer:
        case Admitted(person_id=person_id):
            log.info("logged in", person=person_id, recovery=way.with_recovery_code, request=visit.request_id)
            known_browser.remember(visit, name)
            visit.begin(Stage.MEMBER, person_id, proved=True)
            return visit.redirect("/account/codes" if way.with_recovery_code else HOME)
        case ToActivate(is_active=is_active):
            return visit.redirect("/activate?why=phone" if is_active else "/activate")
        case NotAdmitted():
            log.info("log-in refused", **visit.traces(name), request=visit.request_id)
            form.refuse("name", NOT_ADMITTED)
            form["code"].data = ""
            return _log_in_page(visit, form, way)
        case Wait(delay=delay):
            log.warning("log-in put off", **visit.traces(name), request=visit.request_id)
            raise too_many(delay)
        case _:
            assert_never(answer)


def _log_in_page(visit: Visit, form: Form, way: _Way) -> Response:
    done = "out" if visit.query.get("out") else visit.query.get("done")
    return visit.page(
        "account/log-in.html",
        422 if form.errors else 200,
        form=form,
        with_recovery_code=way.with_recovery_code,
        done=done if done in DONE else None,
    )


def log_out(visit: Visit) -> Response:
    visit.end()
    made = visit.redirect(f"{LOG_IN}?out=yes")
    made.headers["Clear-Site-Data"] = '"cache"'  # and with it the page that "back" would show
    return made


def confirm(visit: Visit, account: Account) -> Response:
    """The way back is kept in the session, so that no link decides it."""
    way = _way(visit)
    form = way.confirm.of(visit)
    if visit.is_post and form.validate() and _is_right(visit, account, form, way.with_recovery_code):
        onward = visit.content.get("next", HOME)
        visit.begin(Stage.MEMBER, account.person_id, {**visit.content, "next": HOME}, proved=True)
        return visit.redirect(onward)
    status = 422 if form.errors else 200
    return visit.page(
        "account/confirm.html", status, form=form, with_recovery_code=way.with_recovery_code, account=account
    )


def _is_right(visit: Visit, account: Account, form: Form, with_recovery_code: bool) -> bool:
    tries = services.attempts(visit.desk, "confirm")
    if delay := tries.begin(account.person_id, visit.address, visit.at):
        raise too_many(delay)
    shown = Shown(form.text("password"), form.text("code"), with_recovery_code)
    proven = services.credentials(visit.desk).judge(account.person_id, account.account_name, shown, visit.at)
    if proven.password and proven.factor:
        tries.succeeded(account.person_id, visit.address)
        return True
    tries.failed(account.person_id, visit.address, visit.at)
    log.info("log-in not confirmed", **visit.traces(account.person_id), request=visit.request_id)
    form.refuse("password", NOT_RIGHT)
    form["code"].data = ""
    return False


NOT_RIGHT = N_("Password or code is not right. A code works once: wait for the next one.")

PAGES = (
    Page(LOG_IN, Stage.VISITOR, get=log_in, post=log_in),
    Page("/logout", Stage.MEMBER, post=log_out),
    Page(CONFIRM, Stage.MEMBER, get=member(confirm), post=member(confirm)),
)
