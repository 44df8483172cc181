"""Templates into pages: one environment for each language, compiled at start; a variable that is missing is an error,
what a variable holds is always escaped."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from provisiond.domain.model import Language
from provisiond.portal.folding import FoldingEnvironment, said
from provisiond.portal.language import NAMES, Speech
from provisiond.portal.rules import House
from provisiond.portal.static import Static

TEMPLATES = Path(__file__).with_name("templates")
_MOST_KEPT = 1000

T = TypeVar("T")


class Pages:
    """Every template in every language. Raises jinja2's errors at start, not in front of a student."""

    def __init__(
        self,
        house: House,
        speeches: Mapping[Language, Speech],
        static: Static,
        folders: Sequence[Path] = (TEMPLATES,),
    ) -> None:
        self._made: dict[tuple[Language, str], Template] = {}
        self.kept: dict[Hashable, object] = {}
        for language, speech in speeches.items():
            environment = _environment(house, speech, static, folders)
            for name in environment.list_templates(["html"]):
                self._made[language, name] = environment.get_template(name)

    def keep(self, place: Hashable, made: T) -> T:
        """Something that was made of a template, under what it depends on; there are not many of them."""
        if len(self.kept) >= _MOST_KEPT:
            self.kept.clear()
        self.kept[place] = made
        return made

    def render(self, language: Language, name: str, values: Mapping[str, Any]) -> str:
        return self._made[language, name].render(values)


def _environment(house: House, speech: Speech, static: Static, folders: Sequence[Path]) -> Environment:
    made = FoldingEnvironment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
        extensions=["jinja2.ext.i18n"],
    )
    made.known = {"_": said(speech.gettext), "static": static.url}
    made.install_gettext_callables(speech.gettext, speech.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals |= {
        "house": house,
        "university": house.named(speech.language),
        "static": static.url,
        "language": speech.language.value,
        "languages": {other.value: name for other, name in NAMES.items()},
    }
    made.filters |= {
        "say": speech.say,
        "date": speech.date,
        "moment": speech.moment,
        "span": speech.span,
        "number": speech.number,
        "size": speech.size,
    }
    return made
