"""Pages: password, phone and recovery codes of somebody who is logged in, and objecting to a new phone that the help
desk was asked for."""

from __future__ import annotations

from typing import assert_never

import structlog
from markupsafe import Markup
from starlette.responses import Response

from provisiond.domain.model import Account
from provisiond.portal.account import services
from provisiond.portal.account.codes_pages import hand_over
from provisiond.portal.account.forms import ChangePasswordForm, CodeForm
from provisiond.portal.account.membership import member, proven_member
from provisiond.portal.account.new_factor import Confirmed, NotPending, WrongCode
from provisiond.portal.account.new_password import said
from provisiond.portal.account.own_history import STUDENT
from provisiond.portal.activation.factors import Enrolment
from provisiond.portal.activation.forms import EmptyForm
from provisiond.portal.application import Page
from provisiond.portal.language import N_
from provisiond.portal.trouble import too_many
from provisiond.portal.visit import Stage, Visit

log = structlog.get_logger("provisiond.portal")

WRONG_CODE = N_(
    "That code is not right. Check that your phone shows this account and sets its clock by itself, then try again."
)


def security(visit: Visit, account: Account) -> Response:
    desk = visit.desk
    return visit.page(
        "account/security.html",
        form=EmptyForm.of(visit),
        second_factor_at=account.second_factor_at,
        codes_left=services.new_factor(desk).codes_left(account.person_id),
        issued=services.re_enrolment(desk).open_ticket(account.person_id, visit.at),
    )


def password(visit: Visit, account: Account) -> Response:
    form = ChangePasswordForm.of(visit)
    if visit.is_post and form.validate() and _knows_old(visit, account, form):
        faults = services.new_password(visit.desk).set(
            account, form.text("password"), visit.at, visit.end_other_sessions
        )
        if not faults:
            visit.begin(Stage.MEMBER, account.person_id, visit.content)
            return visit.redirect("/account?done=password")
        for fault in faults:
            form.refuse("password", said(fault, visit.desk.rules.minimum_password_length))
    return visit.page(
        "account/password.html",
        422 if form.errors else 200,
        form=form,
        account=account,
        minimum=visit.desk.rules.minimum_password_length,
    )


def _knows_old(visit: Visit, account: Account, form: ChangePasswordForm) -> bool:
    tries = services.attempts(visit.desk, "confirm")
    if delay := tries.begin(account.person_id, visit.address, visit.at):
        raise too_many(delay)
    known = services.credentials(visit.desk).has_password(
        account.person_id, account.account_name, form.text("old"), visit.at
    )
    if known:
        tries.succeeded(account.person_id, visit.address)
    else:
        tries.failed(account.person_id, visit.address, visit.at)
        log.info("password refused", **visit.traces(account.person_id), request=visit.request_id)
        form.refuse("old", N_("That is not your present password."))
    return known


def phone(visit: Visit, account: Account) -> Response:
    """Another phone in place of the one before."""
    service, form = services.new_factor(visit.desk), CodeForm.of(visit)
    if visit.is_post and form.validate():
        answer = service.confirm(account, form.text("code"), visit.at)
        match answer:
            case Confirmed(recovery_codes=codes):
                visit.end_other_sessions(account.person_id)
                return hand_over(visit, codes, "/account?done=phone")
            case WrongCode():
                form.refuse("code", WRONG_CODE)
            case NotPending():
                return visit.redirect("/account/phone")
            case _:
                assert_never(answer)
    return phone_page(visit, form, service.begin(account, visit.at))


def phone_page(visit: Visit, form: CodeForm, enrolment: Enrolment) -> Response:
    form.code.data = ""  # the next one will be another
    picture = Markup(enrolment.picture)  # noqa: S704 - segno's own, of digits and paths
    return visit.page(
        "account/phone.html", 422 if form.errors else 200, form=form, enrolment=enrolment, picture=picture
    )


def recovery_codes(visit: Visit, account: Account) -> Response:
    service, form = services.new_factor(visit.desk), EmptyForm.of(visit)
    if visit.is_post and form.validate():
        visit.end_other_sessions(account.person_id)  # first: the codes are shown once
        return hand_over(visit, service.renew_codes(account, visit.at), "/account")
    return visit.page("account/codes.html", form=form, left=service.codes_left(account.person_id))


def stop(visit: Visit, account: Account) -> Response:
    """The person objects: the help desk's code is void."""
    stopped = services.re_enrolment(visit.desk).withdraw(
        account.person_id, STUDENT, "the person objected", visit.at
    )
    return visit.redirect("/account?done=stopped" if stopped else "/account/security")


PAGES = (
    Page("/account/security", Stage.MEMBER, get=member(security)),
    Page("/account/password", Stage.MEMBER, get=proven_member(password), post=proven_member(password)),
    Page("/account/phone", Stage.MEMBER, get=proven_member(phone), post=proven_member(phone)),
    Page(
        "/account/codes", Stage.MEMBER, get=proven_member(recovery_codes), post=proven_member(recovery_codes)
    ),
    Page("/account/stop", Stage.MEMBER, post=member(stop)),
)
