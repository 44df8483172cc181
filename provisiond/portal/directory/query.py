"""What somebody asks of the directory, read from the address of the page; and what is refused before any search: a
text that would find half the university, and pages beyond those that a person reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode

from starlette.datastructures import ImmutableMultiDict

from provisiond.domain.search_words import LONGEST, says_enough, words
from provisiond.portal.language import N_

PAGE = 20  # listings
PAGES = 5  # of one search; whoever is not among them is found by asking more precisely
_LONGEST_DEPARTMENT = 200


@dataclass(frozen=True, slots=True)
class Query:
    """`is_asked` False: the page was opened, nothing was asked yet. `page` counts from 1."""

    is_asked: bool
    text: str
    department: str
    page: int = 1

    @classmethod
    def of(cls, values: ImmutableMultiDict[str, str]) -> Self:
        """What is ill-formed counts as not given."""
        number = values.get("page", "")
        page = int(number) if number.isdecimal() and len(number) < 4 else 1
        return cls(
            "name" in values or "department" in values,
            values.get("name", "").strip()[:LONGEST],
            values.get("department", "").strip()[:_LONGEST_DEPARTMENT],
            min(max(page, 1), PAGES),
        )

    @property
    def fault(self) -> str | None:
        """Why nobody is searched for; None: it can be looked up."""
        if not self.text and not self.department:
            return N_("Write a name, or choose a department.")
        if self.text and not says_enough(words(self.text)):
            return N_("Write at least two letters of a name, or one Chinese character.")
        return None

    def at(self, page: int) -> str:
        """The address of that page of the answer."""
        asked = {"name": self.text, "department": self.department}
        number = {"page": str(page)} if page > 1 else {}
        return "/directory?" + urlencode({key: value for key, value in asked.items() if value} | number)

    @property
    def before(self) -> str | None:
        return self.at(self.page - 1) if self.page > 1 else None

    @property
    def after(self) -> str | None:
        """None: nobody reads further than that."""
        return self.at(self.page + 1) if self.page < PAGES else None

    @property
    def nothing(self) -> Self:
        return replace(self, is_asked=False)
