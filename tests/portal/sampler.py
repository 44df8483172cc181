"""One page with everything that pages are made of, so that it can be looked at."""

from __future__ import annotations

from starlette.responses import Response
from wtforms import BooleanField, PasswordField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are of 3.2

from provisiond.portal.forms import Fault, Form
from provisiond.portal.visit import Visit

_CHOICES = [SelectChoice("nobody", "Nobody"), SelectChoice("everyone", "Everyone")]
_ROOMS = [SelectChoice("a", "Main Building"), SelectChoice("b", "Library")]


class _Sample(Form):
    student_id = StringField("Student ID", render_kw={"autocomplete": "username", "class": "short"})
    day = StringField("Day", render_kw={"inputmode": "numeric", "autocomplete": "bday-day"})
    month = StringField("Month", render_kw={"inputmode": "numeric", "autocomplete": "bday-month"})
    year = StringField("Year", render_kw={"inputmode": "numeric", "autocomplete": "bday-year"})
    password = PasswordField("New password", render_kw={"autocomplete": "new-password"})
    code = StringField(
        "Code", render_kw={"inputmode": "numeric", "autocomplete": "one-time-code", "class": "code"}
    )
    audience = RadioField("Who may see it", choices=_CHOICES, default="nobody")
    room = SelectField("Building", choices=_ROOMS)
    agree = BooleanField("I have read this and agree")

    def validate_student_id(self, field: StringField) -> None:
        if not field.data:
            raise Fault("Enter your student ID.")

    def validate_day(self, field: StringField) -> None:
        if not field.data:
            raise Fault("Enter your date of birth.")

    validate_password = validate_code = validate_agree = validate_student_id


def sampler(visit: Visit) -> Response:
    form = _Sample.of(visit)
    if visit.is_post and form.validate():
        return visit.redirect("/sampler")
    return visit.page("sampler.html", form=form)
