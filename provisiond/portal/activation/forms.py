"""The forms of activation. What is missing is told; before identity is proven nothing is said of the form of what is
there."""

from __future__ import annotations

from datetime import date
from typing import Any

from wtforms import BooleanField, PasswordField, StringField
from wtforms.fields import Field

from provisiond.portal.activation.claims import Claim, birth_claim, hkid_claim
from provisiond.portal.forms import Fault, Form
from provisiond.portal.language import N_

DIFFERENT = N_("The two passwords differ. Type the same password twice.")
_PLAIN = {"autocapitalize": "off", "autocorrect": "off", "spellcheck": "false"}


class Wanted:
    """A validator: something must be there."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __call__(self, _form: Any, field: Field) -> None:
        if not (field.data.strip() if isinstance(field.data, str) else field.data):
            raise Fault(self.what)


class TermsForm(Form):
    accept = BooleanField(
        N_("I have read the policy and accept it"),
        [Wanted(N_("Tick the box if you accept the policy. Without it the account cannot be activated."))],
    )


class HkidForm(Form):
    student_id = StringField(
        N_("Student ID"),
        [Wanted(N_("Enter your student ID."))],
        render_kw=_PLAIN | {"autocomplete": "off", "class": "short", "maxlength": 64},
    )
    number = StringField(
        N_("Hong Kong identity card number"),
        [Wanted(N_("Enter your Hong Kong identity card number."))],
        render_kw=_PLAIN | {"autocomplete": "off", "class": "short", "maxlength": 64},
    )

    def forget(self) -> None:
        """What was typed is not sent back."""
        self.number.data = ""

    def claim(self, _today: date) -> Claim:
        return hkid_claim(self.student_id.data or "", self.number.data or "")


def _part(label: str, missing: str, length: int) -> StringField:
    given = {"autocomplete": "off", "inputmode": "numeric", "maxlength": length}
    return StringField(label, [Wanted(missing)], render_kw=given)


class BirthForm(Form):
    student_id = StringField(
        N_("Student ID"),
        [Wanted(N_("Enter your student ID."))],
        render_kw=_PLAIN | {"autocomplete": "off", "class": "short", "maxlength": 64},
    )
    day = _part(N_("Day"), N_("Enter the day of your birth."), 8)
    month = _part(N_("Month"), N_("Enter the month of your birth."), 16)
    year = _part(N_("Year"), N_("Enter the year of your birth."), 8)

    def forget(self) -> None:
        self.day.data = self.month.data = self.year.data = ""

    def claim(self, today: date) -> Claim:
        typed = [field.data or "" for field in (self.student_id, self.day, self.month, self.year)]
        return birth_claim(typed[0], typed[1], typed[2], typed[3], today)


class MailedCodeForm(Form):
    code = StringField(
        N_("Code from the mail"),
        [Wanted(N_("Enter the code from the mail."))],
        render_kw=_PLAIN | {"autocomplete": "one-time-code", "class": "short", "maxlength": 64},
    )


class PresentPasswordForm(Form):
    password = PasswordField(
        N_("Password"),
        [Wanted(N_("Enter your password."))],
        render_kw={"autocomplete": "current-password", "maxlength": 1000},
    )


class PasswordForm(Form):
    """Both times typed in full: who has no JavaScript cannot look at it."""

    password = PasswordField(
        N_("New password"),
        [Wanted(N_("Enter a new password."))],
        render_kw={"autocomplete": "new-password", "maxlength": 1000},
    )
    again = PasswordField(
        N_("New password once more"),
        render_kw={"autocomplete": "new-password", "maxlength": 1000},
    )

    def validate_again(self, field: Field) -> None:
        if self.password.data and field.data != self.password.data:
            raise Fault(DIFFERENT)


class TotpForm(Form):
    code = StringField(
        N_("Code from the app"),
        [Wanted(N_("Enter the six digits that your app shows."))],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "code", "maxlength": 32},
    )


class EmptyForm(Form):
    """A button."""
