"""The pages of activation, in the order in which they come."""

from __future__ import annotations

from provisiond.portal.activation import account, enrolment, entrance, finish, first_phone
from provisiond.portal.application import Page
from provisiond.portal.visit import Stage

# The pages between identity and codes are for sessions that proved an identity: they look themselves, and send others
# to the beginning instead of to the log-in, which somebody without password has no use for.
PAGES: tuple[Page, ...] = (
    Page("/activate", Stage.VISITOR, get=entrance.terms, post=entrance.terms),
    Page("/activate/identity", Stage.VISITOR, get=entrance.by_hkid, post=entrance.by_hkid),
    Page("/activate/birth", Stage.VISITOR, get=entrance.by_birth, post=entrance.by_birth),
    Page("/activate/code", Stage.VISITOR, get=entrance.mailed_code, post=entrance.mailed_code),
    Page("/activate/code/again", Stage.VISITOR, post=entrance.send_again),
    Page("/activate/account", Stage.VISITOR, get=account.account),
    Page(
        first_phone.PRESENT,
        Stage.VISITOR,
        get=first_phone.present_password,
        post=first_phone.present_password,
    ),
    Page("/activate/mail", Stage.VISITOR, post=first_phone.send),
    Page(first_phone.MAILED, Stage.VISITOR, get=first_phone.mailed_code, post=first_phone.mailed_code),
    Page("/activate/password", Stage.VISITOR, get=account.password, post=account.password),
    Page("/activate/factor", Stage.VISITOR, get=enrolment.factor, post=enrolment.factor),
    Page("/activate/codes", Stage.VISITOR, get=enrolment.codes, post=enrolment.codes),
    Page("/activate/codes.txt", Stage.VISITOR, get=enrolment.codes_file),
    Page("/activate/leave", Stage.VISITOR, post=entrance.leave),
    Page("/activate/done", Stage.MEMBER, get=finish.done),
    Page("/activate/progress", Stage.MEMBER, get=finish.progress),
)
