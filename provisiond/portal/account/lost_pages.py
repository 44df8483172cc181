"""Pages for who lost something: the password, or the phone together with all recovery codes. Both begin with the
identity, which alone opens nothing.

A forgotten password is set with the second factor or a recovery code beside it; another phone is enrolled with the
password and the code that two operators issued."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

import structlog
from starlette.responses import Response

from provisiond.domain.model import Account
from provisiond.portal import known_browser
from provisiond.portal.account import services
from provisiond.portal.account.codes_pages import hand_over, kept_view
from provisiond.portal.account.forms import CodeForm, HelpDeskCodeForm, RecoveryCodeForm
from provisiond.portal.account.login import may_log_in
from provisiond.portal.account.membership import MemberView
from provisiond.portal.account.new_factor import Confirmed, NotPending, WrongCode
from provisiond.portal.account.new_password import said
from provisiond.portal.account.security_pages import WRONG_CODE, phone_page
from provisiond.portal.activation.course import identity_check
from provisiond.portal.activation.entrance import NEUTRAL
from provisiond.portal.activation.forms import BirthForm, HkidForm, PasswordForm
from provisiond.portal.activation.identity import Identified, Wait
from provisiond.portal.application import LOG_IN, Page, View
from provisiond.portal.forms import Form
from provisiond.portal.language import N_
from provisiond.portal.trouble import too_many
from provisiond.portal.visit import Stage, Visit

log = structlog.get_logger("provisiond.portal")

FORGOTTEN, NEW_PHONE = "forgotten", "new-phone"
_BESIEGED = timedelta(hours=1)
_PURPOSES = {FORGOTTEN: "/forgotten/code", NEW_PHONE: "/new-phone/code"}
CODE_WRONG = N_("That code is not right. A code works once: wait for the next one, or use a recovery code.")
HELP_DESK_WRONG = N_(
    "Password or code is not right, or the code does not count yet. The help desk told you from when it counts."
)


def forgotten(visit: Visit) -> Response:
    return _identify(visit, FORGOTTEN)


def new_phone(visit: Visit) -> Response:
    return _identify(visit, NEW_PHONE)


def _identify(visit: Visit, purpose: str) -> Response:
    """By HKID number, or by date of birth; the answer is as neutral as in activation."""
    by_birth = visit.query.get("by") == "birth"
    form = (BirthForm if by_birth else HkidForm).of(visit)
    if visit.is_post and form.validate():
        claim = form.claim(visit.at.astimezone(visit.desk.house.zone).date())
        answer = identity_check(visit.desk).judge(claim, visit.address, visit.at)
        if isinstance(answer, Wait):
            log.warning("identity put off", **visit.traces(claim.student_ids[0]), request=visit.request_id)
            raise too_many(answer.delay)
        if answer.besieged:  # or this page would tell guessers what activation does not
            raise too_many(_BESIEGED)
        if isinstance(answer, Identified) and answer.proofs.person_id:
            visit.begin(Stage.PROVEN, answer.proofs.person_id, {"purpose": purpose})
            return visit.redirect(_PURPOSES[purpose])
        log.info("identity refused", **visit.traces(claim.student_ids[0]), request=visit.request_id)
        form.refuse("student_id", NEUTRAL)
    status = 422 if form.errors else 200
    return visit.page("account/identity.html", status, form=form, by_birth=by_birth, purpose=purpose)


def on_the_way(purpose: str, view: MemberView) -> View:
    """For who proved their identity for this purpose, and has an account that was activated and gives a log-in."""

    def seen(visit: Visit) -> Response:
        if visit.content.get("purpose") != purpose:
            return visit.redirect(f"/{purpose}")
        account = visit.desk.ledger.account(visit.person_id)
        desk = visit.desk
        if account is None or account.activated_at is None:
            return visit.redirect("/activate")
        if purpose == FORGOTTEN and account.second_factor_at is None:
            return visit.redirect("/activate?why=phone")  # there is nothing to show beside the identity
        if not may_log_in(account, visit.at, desk.house.zone, desk.policy):
            return visit.page("account/no-log-in.html")
        return view(visit, account)

    return seen


def forgotten_code(visit: Visit, account: Account) -> Response:
    """The second factor beside the identity."""
    recovery = visit.query.get("with") == "recovery-code"
    form = (RecoveryCodeForm if recovery else CodeForm).of(visit)
    if visit.is_post and form.validate():
        tries = services.attempts(visit.desk, FORGOTTEN)
        if delay := tries.begin(account.person_id, visit.address, visit.at):
            raise too_many(delay)
        if services.credentials(visit.desk).has_factor(
            account.person_id, form.text("code"), recovery, visit.at
        ):
            tries.succeeded(account.person_id, visit.address)
            visit.begin(Stage.PROVEN, account.person_id, {**visit.content, "second": True})
            return visit.redirect("/forgotten/password")
        tries.failed(account.person_id, visit.address, visit.at)
        log.info("second factor refused", **visit.traces(account.person_id), request=visit.request_id)
        form.refuse("code", CODE_WRONG)
        form["code"].data = ""
    status = 422 if form.errors else 200
    return visit.page("account/forgotten-code.html", status, form=form, with_recovery_code=recovery)


def forgotten_password(visit: Visit, account: Account) -> Response:
    if visit.content.get("second") is not True:
        return visit.redirect("/forgotten/code")
    form, minimum = PasswordForm.of(visit), visit.desk.rules.minimum_password_length
    if visit.is_post and form.validate():
        faults = services.new_password(visit.desk).set(
            account, form.text("password"), visit.at, visit.end_other_sessions
        )
        if not faults:
            visit.end()
            known_browser.remember(visit, account.account_name)
            return visit.redirect(f"{LOG_IN}?done=password")
        for fault in faults:
            form.refuse("password", said(fault, minimum))
    return visit.page(
        "account/forgotten-password.html",
        422 if form.errors else 200,
        form=form,
        account=account,
        minimum=minimum,
    )


def help_desk_code(visit: Visit, account: Account) -> Response:
    """Password and the operators' code; the code is used up when the phone is confirmed."""
    form = HelpDeskCodeForm.of(visit)
    if visit.is_post and form.validate():
        if digest := _vouched(visit, account, form):
            visit.begin(Stage.PROVEN, account.person_id, {**visit.content, "ticket": digest})
            return visit.redirect("/new-phone/enrol")
        form.refuse("code", HELP_DESK_WRONG)
    return visit.page("account/help-desk-code.html", 422 if form.errors else 200, form=form)


def _vouched(visit: Visit, account: Account, form: Form) -> str | None:
    """The digest by which the ledger knows the code. Both are looked at, whichever is wrong."""
    tries = services.attempts(visit.desk, NEW_PHONE)
    if delay := tries.begin(account.person_id, visit.address, visit.at):
        raise too_many(delay)
    digest = services.re_enrolment(visit.desk).fitting(account.person_id, form.text("code"), visit.at)
    known = services.credentials(visit.desk).has_password(
        account.person_id, account.account_name, form.text("password"), visit.at
    )
    if digest and known:
        tries.succeeded(account.person_id, visit.address)
        return digest
    tries.failed(account.person_id, visit.address, visit.at)
    log.info("help desk's code refused", **visit.traces(account.person_id), request=visit.request_id)
    return None


def enrol(visit: Visit, account: Account) -> Response:
    ticket = visit.content.get("ticket")
    if not isinstance(ticket, str):
        return visit.redirect("/new-phone/code")
    service, form = services.new_factor(visit.desk), CodeForm.of(visit)
    if visit.is_post and form.validate():
        permit = services.re_enrolment(visit.desk)
        answer = service.confirm(
            account, form.text("code"), visit.at, lambda: permit.use(account.person_id, ticket, visit.at)
        )
        match answer:
            case Confirmed(recovery_codes=codes):
                visit.end_other_sessions(account.person_id)
                return hand_over(visit, codes, f"{LOG_IN}?done=phone")
            case WrongCode():
                form.refuse("code", WRONG_CODE)
            case NotPending():
                return visit.redirect("/new-phone/code")
            case _:
                assert_never(answer)
    return phone_page(visit, form, service.begin(account, visit.at))


def _page(path: str, purpose: str, view: MemberView) -> Page:
    seen = on_the_way(purpose, view)
    return Page(path, Stage.PROVEN, get=seen, post=seen)


PAGES = (
    Page("/forgotten", Stage.VISITOR, get=forgotten, post=forgotten),
    Page("/new-phone", Stage.VISITOR, get=new_phone, post=new_phone),
    _page("/forgotten/code", FORGOTTEN, forgotten_code),
    _page("/forgotten/password", FORGOTTEN, forgotten_password),
    _page("/new-phone/code", NEW_PHONE, help_desk_code),
    _page("/new-phone/enrol", NEW_PHONE, enrol),
    _page("/new-phone/codes", NEW_PHONE, kept_view),
)
