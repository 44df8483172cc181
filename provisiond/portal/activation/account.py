"""The pages after identity is proven: what we know of the person and the account, or why it cannot be activated now;
and the new password, which goes to the directory at once and is kept nowhere."""

from __future__ import annotations

from typing import assert_never

from starlette.responses import Response

from provisiond.domain.model import State
from provisiond.portal.activation import course, first_phone, words
from provisiond.portal.activation.course import AccountIsThere
from provisiond.portal.activation.forms import PasswordForm
from provisiond.portal.activation.own_data import own_data
from provisiond.portal.activation.situation import (
    Activated,
    BeingCreated,
    Ended,
    Locked,
    NotCreated,
    Particulars,
    PhoneMissing,
    Situation,
)
from provisiond.portal.visit import Visit
from provisiond.ports.portal import Problem


def account(visit: Visit) -> Response:
    if not course.is_proven(visit):
        return visit.redirect("/activate")
    found = course.whereabouts(visit)
    if course.confirmed(visit) is not None:
        return visit.redirect(course.CODES)  # activated in this session: the codes were not kept yet
    if isinstance(found, Particulars):
        return visit.page("activation/account.html", who=found)
    if isinstance(found, PhoneMissing) and "password_at" in visit.content:
        return visit.redirect(course.FACTOR)
    return elsewhere(visit, found)


def elsewhere(visit: Visit, found: Situation | AccountIsThere) -> Response:
    """Why it does not go on here, and what to do."""
    name = _page_of(found)
    return visit.page(f"activation/{name}.html", found=found)


def _page_of(found: Situation | AccountIsThere) -> str:
    match found:
        case NotCreated(problem=problem):
            return "problem" if problem in (Problem.PARKED, Problem.HELD) else "not-created"
        case BeingCreated():
            return "being-created"
        case AccountIsThere():
            return "is-there"
        case Locked():
            return "locked"
        case Activated():
            return "activated"
        case PhoneMissing():
            return "phone-missing"
        case Ended(state=State.ALUMNI):
            return "alumni"
        case Ended():
            return "ended"
        case Particulars():
            return "account"
        case _:
            assert_never(found)


def password(visit: Visit) -> Response:
    if not course.is_proven(visit):
        return visit.redirect("/activate")
    found = course.whereabouts(visit)
    who = course.enrolling(found)
    if who is None or (isinstance(found, PhoneMissing) and not first_phone.has_mailed_code(visit)):
        return visit.redirect(course.ACCOUNT)
    form = PasswordForm.of(visit)
    score = None
    if visit.is_post and form.validate():
        if isinstance(found, PhoneMissing):
            first_phone.change_password(visit, who, form)
        else:
            score = _set(visit, who, form)
        if not form.errors:
            visit.remember(password_at=visit.at.isoformat())
            return visit.redirect(course.FACTOR)
    return visit.page(
        "activation/password.html",
        form=form,
        who=who,
        score=score,
        is_set="password_at" in visit.content,
        minimum=visit.desk.rules.minimum_password_length,
    )


def _set(visit: Visit, who: Particulars, form: PasswordForm) -> int:
    """Faults go to the form; how strong it is, 0 to 4."""
    desk = visit.desk
    first_phone.slow_down(visit, who)
    known = desk.ledger.account(who.person_id)
    assert known is not None, "it was there a moment ago"
    verdict = desk.passwords.verdict(form.password.data or "", own_data(known))
    for fault in verdict.faults:
        form.refuse("password", words.weakness(fault, desk.passwords.minimum_length))
    if not verdict.faults:
        refused = desk.directory.set_password(who.person_id, verdict.password)
        if refused is not None:
            form.refuse("password", words.refusal(refused))
        else:
            desk.ledger.note(
                who.person_id, "password-set", "student", {"during": course.ACTIVATION}, visit.at
            )
    return verdict.strength
