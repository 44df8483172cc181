"""The forms of log-in and self-service: which fields in which order, how long, how browsers may fill them. What is
right is the services' to say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wtforms import BooleanField, PasswordField, RadioField, StringField
from wtforms.fields import Field
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are of 3.2
from wtforms.validators import InputRequired, Length

from provisiond.domain.model import Audience, ContactDetail, ContactField
from provisiond.portal.account.contact_choice import Wish
from provisiond.portal.activation.forms import DIFFERENT
from provisiond.portal.forms import Fault, Form
from provisiond.portal.language import N_

LONGEST_PASSWORD = 1024  # what is too long to be one is still judged, as wrong

NO_NAME = N_("Enter your account name.")
NO_PASSWORD = N_("Enter your password.")
NO_CODE = N_("Enter the code.")
AUDIENCES = (
    SelectChoice(Audience.NOBODY.value, N_("Nobody")),
    SelectChoice(Audience.UNIVERSITY.value, N_("Members of the University")),
    SelectChoice(Audience.EVERYONE.value, N_("Everyone")),
)


def _name() -> StringField:
    typed = {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
    known = [InputRequired(NO_NAME), Length(max=320)]
    return StringField(N_("Account name or mail address"), known, render_kw=typed)


def _password(label: str = N_("Password"), autocomplete: str = "current-password") -> PasswordField:
    known = [InputRequired(NO_PASSWORD), Length(max=LONGEST_PASSWORD)]
    return PasswordField(label, known, render_kw={"autocomplete": autocomplete})


def _code() -> StringField:
    typed = {"autocomplete": "one-time-code", "inputmode": "numeric", "class": "code", "spellcheck": "false"}
    return StringField(N_("Code from your phone"), [InputRequired(NO_CODE), Length(max=100)], render_kw=typed)


def _given_code(label: str) -> StringField:
    """One that was given out: letters and digits in groups."""
    typed = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
    return StringField(label, [InputRequired(NO_CODE), Length(max=100)], render_kw=typed)


class LogInForm(Form):
    name = _name()
    password = _password()
    code = _code()


class RecoveryLogInForm(Form):
    name = _name()
    password = _password()
    code = _given_code(N_("Recovery code"))


class ConfirmForm(Form):
    """Who is logged in shows again who they are."""

    password = _password()
    code = _code()


class RecoveryConfirmForm(Form):
    password = _password()
    code = _given_code(N_("Recovery code"))


class CodeForm(Form):
    code = _code()


class RecoveryCodeForm(Form):
    code = _given_code(N_("Recovery code"))


class HelpDeskCodeForm(Form):
    """Of a new phone without the old one."""

    password = _password()
    code = _given_code(N_("Code from the help desk"))


class ChangePasswordForm(Form):
    old = _password(N_("Present password"))
    password = _password(N_("New password"), "new-password")
    again = _password(N_("New password once more"), "new-password")

    def validate_again(self, field: Field) -> None:
        if self.password.data and field.data != self.password.data:
            raise Fault(DIFFERENT)


class DisplayNameForm(Form):
    name = StringField(N_("Display name"), [Length(max=200)], render_kw={"autocomplete": "name"})


def _text(label: str, **typed: str) -> StringField:
    return StringField(label, [Length(max=400)], render_kw={"autocomplete": "off"} | typed)


def _seen() -> RadioField:
    return RadioField(N_("Who may see it?"), choices=AUDIENCES, default=Audience.NOBODY.value)


class ContactForm(Form):
    """A text and an audience for each contact field."""

    preferred_name_text = _text(N_("Preferred name"), autocomplete="nickname")
    preferred_name_seen = _seen()
    telephone_text = _text(N_("Telephone"), autocomplete="tel", inputmode="tel")
    telephone_seen = _seen()
    office_text = _text(N_("Office"))
    office_seen = _seen()
    website_text = _text(N_("Website"), autocomplete="url", inputmode="url")
    website_seen = _seen()
    pronouns_text = _text(N_("Pronouns"))
    pronouns_seen = _seen()
    unlisted = BooleanField(N_("I do not want to be listed at all"))

    def wishes(self, fields: Iterable[ContactField]) -> dict[ContactField, Wish]:
        return {
            field: Wish(self[text_name(field)].data or "", Audience(self[seen_name(field)].data))
            for field in fields
        }


def text_name(field: ContactField) -> str:
    return f"{field.name.lower()}_text"


def seen_name(field: ContactField) -> str:
    return f"{field.name.lower()}_seen"


def standing_in(details: Iterable[ContactDetail], unlisted: bool) -> dict[str, Any]:
    """What a ContactForm begins with."""
    begun: dict[str, Any] = {"unlisted": unlisted}
    for detail in details:
        begun |= {text_name(detail.field): detail.value, seen_name(detail.field): detail.audience.value}
    return begun


class AliasForm(Form):
    """`choices` are set by the view; the last one, without a value, is the text beside it."""

    choice = RadioField(N_("Choose an address"), validate_choice=False)
    other = StringField(
        N_("Another one"),
        [Length(max=100)],
        render_kw={"autocapitalize": "words", "spellcheck": "false", "autocomplete": "off"},
    )

    @property
    def wanted(self) -> str:
        return str(self.choice.data or self.other.data or "")
