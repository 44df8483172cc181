"""What every table of provisiond.toml is made of: no key it does not know, and the plainest kinds of values."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt
from pydantic.types import Strict

Text = Annotated[str, Field(min_length=1)]
Whole = Annotated[StrictInt, Field(ge=0)]
Positive = Annotated[StrictInt, Field(ge=1)]
Percent = Annotated[float, Strict(), Field(ge=0, le=100)]


class Section(BaseModel):
    """A table of the file; a key it does not know is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True, regex_engine="python-re")

    def given(self) -> dict[str, Any]:
        """What the file says, without keys that were left out and without tables below this one."""
        return {
            name: value
            for name in sorted(self.model_fields_set)
            if not isinstance(value := getattr(self, name), Section)
        }
