"""Forms: WTForms with its CSRF framework and our catalogues. Labels and messages are English texts (or sentences)
that the template says in the reader's language."""

from __future__ import annotations

from copy import copy
from functools import cache
from typing import Any, Self, cast

from markupsafe import Markup, escape
from wtforms import Form as WTForm
from wtforms import ValidationError
from wtforms.csrf.core import CSRF, CSRFTokenField
from wtforms.meta import DefaultMeta

from provisiond.portal.csrf import FIELD
from provisiond.portal.language import Sentence
from provisiond.portal.visit import Visit


class Fault(ValidationError):  # noqa: N818 - a word of the page, not of the program
    """What is wrong with a field, and what to do: raised in `validate_FIELD`, said by the template."""

    def __init__(self, what: Sentence | str) -> None:
        super().__init__(cast(str, what))  # WTForms passes on whatever it is


class _SessionCsrf(CSRF):
    def setup_form(self, form: Any) -> Any:
        self._visit: Visit = form.meta.visit
        return super().setup_form(form)

    def generate_csrf_token(self, _field: CSRFTokenField) -> str:
        return self._visit.csrf_token

    def validate_csrf_token(self, _form: Any, _field: CSRFTokenField) -> None:
        """The application looked already, before any view ran; this is for forms that are used elsewhere."""
        if not self._visit.has_csrf_token():
            raise ValidationError("the form was not ours")


class _Meta(DefaultMeta):
    csrf = True
    csrf_class = _SessionCsrf
    csrf_field_name = FIELD
    visit: Visit

    def get_translations(self, form: Any) -> Any:
        return form.meta.visit.speech

    def render_field(self, field: Any, render_kw: Any) -> Any:
        given = {**(field.render_kw or {}), **render_kw}
        return _quick(field.widget)(field, **given)


def _attributes(**given: Any) -> Markup:
    """As WTForms writes them, in a fifth of the time: a form's fields were a sixth of what a page costs."""
    parts = [
        name if value is True else f'{name}="{str(escape(value)).replace(_QUOTE, "&quot;")}"'
        for name, value in ((name.rstrip("_").replace("_", "-"), given[name]) for name in sorted(given))
        if value is not False
    ]
    return Markup(" ".join(parts))  # noqa: S704 - every value was escaped


_QUOTE = '"'


@cache
def _quick(widget: Any) -> Any:
    """That widget (there are a few, which forms share) with attributes by our own hand."""
    if not hasattr(widget, "html_params"):
        return widget
    made = copy(widget)
    made.html_params = _attributes
    return made


class Form(WTForm):
    """A form of one visit: `form = IdentityForm.of(visit)`, then `visit.is_post and form.validate()`."""

    Meta = _Meta

    @classmethod
    def of(cls, visit: Visit, **values: Any) -> Self:
        """`values`: what stands in it before the reader writes."""
        return cls(visit.form if visit.is_post else None, meta={"visit": visit}, **values)

    def text(self, field: str) -> str:
        """What was typed; empty where the form came without it."""
        return str(self[field].data or "")

    def refuse(self, field: str, what: Sentence | str) -> None:
        """A fault that was found after validation (a throttle, the directory's refusal)."""
        self[field].errors = [*self[field].errors, cast(str, what)]

    def faults(self) -> list[tuple[Any, Any]]:
        """(field, fault) in the order of the page."""
        return [(field, fault) for field in self for fault in field.errors]
