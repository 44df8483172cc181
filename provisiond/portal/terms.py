"""The acceptable use policy from Markdown (CommonMark) into HTML, once, at start; HTML in it is text like any
other."""

from __future__ import annotations

from collections.abc import Mapping

from markdown_it import MarkdownIt
from markupsafe import Markup

from provisiond.domain.model import Language


def rendered(texts: Mapping[Language, str]) -> Mapping[Language, Markup]:
    made = MarkdownIt("commonmark", {"html": False})
    return {language: Markup(made.render(text)) for language, text in texts.items()}  # noqa: S704 - html is off
