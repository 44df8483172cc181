"""The shape of [[registry]], of every type; which keys belong to which is `registry_section`'s."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt

from provisiond.settings import notation
from provisiond.settings.section import Percent, Positive, Section, Text, Whole

Duration = Annotated[timedelta, BeforeValidator(notation.duration)]
Size = Annotated[int, BeforeValidator(notation.size)]
Query = Annotated[Text, AfterValidator(notation.query)]
Expression = Annotated[Text, AfterValidator(notation.expression)]


def _registry_field(name: str) -> str:
    known = notation.REGISTRY_FIELDS
    if name not in known:
        raise ValueError(notation.unknown(name, known))
    return name


RegistryField = Annotated[str, AfterValidator(_registry_field)]


class Registry(Section):
    """Of every type; which keys belong to which is `registry_section`'s."""

    type: Literal["csv", "sql", "http"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    supplement: StrictBool | None = None
    maximum_age: Duration | None = None
    age_column: Text | None = None
    expected: dict[Text, Expression] | None = None
    path: Text | None = None
    pattern: Text | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: Text | None = None
    encodings: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    date_formats: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    trailer: Text | None = None
    maximum_rejected_percent: Percent | None = None
    fields: dict[RegistryField, Text]
    codes: dict[RegistryField, dict[str, str]] | None = None
    url: Text | None = None
    ca_file: Text | None = None
    connect_timeout: Positive | None = None
    timeout: Positive | None = None
    query: Query | None = None
    password_file: Text | None = None
    watermark_column: Text | None = None
    overlap: Annotated[timedelta | int | None, BeforeValidator(notation.overlap)] = None
    first_watermark: Text | StrictInt | None = None
    complete_every: Duration | None = None
    token_file: Text | None = None
    records: str | None = None
    next: Text | None = None
    cursor: Text | None = None
    cursor_parameter: Text | None = None
    total: Text | None = None
    read_timeout: Positive | None = None
    maximum_page_size: Size | None = None
    maximum_size: Size | None = None
    maximum_pages: Positive | None = None
    retries: Whole | None = None
