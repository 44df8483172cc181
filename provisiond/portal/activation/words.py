"""Why a password was not taken, in sentences for the page. Self-service uses them too."""

from __future__ import annotations

from collections.abc import Mapping

from provisiond.portal.activation.own_data import Own
from provisiond.portal.activation.passwords import LONGEST, Weakness
from provisiond.portal.language import N_, Sentence
from provisiond.ports.portal_directory import PasswordRefusal

_WEAK: Mapping[Weakness | Own, str] = {
    Weakness.TOO_SHORT: N_("Use at least %(count)s characters. A few words in a row are easy to remember."),
    Weakness.TOO_LONG: N_("Use at most %(count)s characters (Chinese characters count as three)."),
    Weakness.UNTYPEABLE: N_("Use only characters that every keyboard of yours has; no tabs or line breaks."),
    Weakness.BLANK_EDGE: N_("Do not begin or end with a space: some programs cut it off."),
    Weakness.COMMON: N_("This password, or one much like it, is on lists that attackers try first."),
    Weakness.UNIVERSITY: N_(
        "The name of the University makes up most of it: that is what attackers try here."
    ),
    Weakness.REPEATED: N_("The same few characters come again and again."),
    Weakness.SEQUENCE: N_("Most of it is a row of neighbouring letters, digits or keys."),
    Weakness.GUESSABLE: N_(
        "This is easy to guess. Add another word or two that have nothing to do with each other."
    ),
    Own.NAME: N_("Your name is in it."),
    Own.ACCOUNT_NAME: N_("Your account name is in it."),
    Own.STUDENT_ID: N_("Your student ID is in it."),
    Own.MAIL: N_("Your mail address is in it."),
    Own.BIRTH_DATE: N_("Your date of birth is in it."),
    Own.HKID: N_("Your identity card number is in it."),
}
_REFUSED: Mapping[PasswordRefusal, str] = {
    PasswordRefusal.TOO_SHORT: N_("The directory wants a longer password."),
    PasswordRefusal.USED_BEFORE: N_(
        "You have used this password before, perhaps in an activation that was not finished. Choose another one."
    ),
    PasswordRefusal.TOO_YOUNG: N_("Your password was changed a short while ago. Please try again later."),
    PasswordRefusal.QUALITY: N_("The directory finds this password too easy. Choose another one."),
    PasswordRefusal.OTHER: N_(
        "The directory did not take this password. Choose another one, or ask the help desk."
    ),
}


def weakness(fault: Weakness | Own, minimum: int) -> Sentence:
    limits: Mapping[Weakness | Own, int] = {Weakness.TOO_SHORT: minimum, Weakness.TOO_LONG: LONGEST}
    count = limits.get(fault)
    return Sentence(_WEAK[fault], {} if count is None else {"count": count})


def refusal(why: PasswordRefusal) -> Sentence:
    return Sentence(_REFUSED[why])
