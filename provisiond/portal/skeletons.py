"""Pages that differ in a few texts only: rendered once with marks where these stand, cut at the marks, and from then
on put together from the pieces. What stands between is escaped as a template does. Which pages are worth it is the
views' to decide."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from markupsafe import Markup, escape
from starlette.responses import Response

from provisiond.portal.csrf import FIELD
from provisiond.portal.language import NAMES
from provisiond.portal.visit import Visit

_MARK = f"mark{secrets.token_hex(16)}"  # nobody who fills in a form can write it
_MARKS = re.compile(_MARK + "([a-z_]+)z")


def mark(name: str) -> str:
    """Where a text of that name will stand; the same however it is escaped."""
    return f"{_MARK}{name}z"


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Pieces of a page, and between them the names of what stands there."""

    pieces: tuple[str, ...]

    @classmethod
    def of(cls, page: str) -> Skeleton:
        return cls(tuple(_MARKS.split(page)))

    def filled(self, texts: Mapping[str, str]) -> str:
        """Of Markup as it is, of anything else escaped."""
        parts = list(self.pieces)
        parts[1::2] = [str(escape(texts[name])) for name in parts[1::2]]
        return "".join(parts)


class _AnyVisit:
    """Of a visit the frame of a page wants nothing else."""

    def in_language(self, tag: str) -> str:
        return mark(_link(tag))


def page(
    visit: Visit,
    template: str,
    key: Hashable,
    texts: Mapping[str, str],
    values: Callable[[], Mapping[str, Any]],
) -> Response:
    """`key`: what the page depends on beside its texts and the language. `values`: for the template, with marks."""
    pages = visit.desk.pages
    place = (visit.language, template, key)
    skeleton = cast(Skeleton | None, pages.kept.get(place))
    if skeleton is None:
        made = pages.render(visit.language, template, {"visit": _AnyVisit(), **values()})
        skeleton = pages.keep(place, Skeleton.of(made))
    links = {_link(tag): visit.in_language(tag) for tag in _TAGS if tag != visit.language.value}
    return visit.answer(skeleton.filled({**links, **texts}))


def form_page(visit: Visit, template: str, form: Any, **values: Hashable) -> Response:
    """A page with a form whose fields are all lines of text. `values`: further ones that the template wants."""
    faults = tuple((field.name, tuple(field.errors)) for field in form if field.errors)
    if not all(isinstance(fault, str) for _, told in faults for fault in told):
        return visit.page(template, form=form, **values)
    token = form[FIELD]
    texts = {field.name: field._value() for field in form if field is not token}
    texts[FIELD] = token.current_token

    def marked() -> Mapping[str, Any]:
        for field in form:
            field.data = mark(field.name)
        token.current_token = mark(FIELD)
        return {"form": form, **values}

    return page(visit, template, (faults, tuple(values.items())), texts, marked)


def section(html: str) -> Markup:
    """A part that a template of ours made."""
    return Markup(html)  # noqa: S704 - every value in it was escaped


_TAGS = tuple(language.value for language in NAMES)


def _link(tag: str) -> str:
    return "in_" + re.sub("[^a-z]", "_", tag.lower())
