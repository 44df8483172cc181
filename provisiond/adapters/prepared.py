"""Statements compiled once and handed to the driver as they are: a page asks its databases five times, and to go
through SQLAlchemy each time costs five times what the database needs. Decides nothing of what is asked."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.engine import Dialect

Processor = Callable[[Any], Any]


class Prepared:
    """A statement in the words of one database, its values turned as their types say."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text = str(compiled)
        self._fixed = dict(compiled.params)
        self._places = tuple(compiled.positiontup) if compiled.positional else None
        self._given = _processors(
            {name: bind.type.dialect_impl(dialect) for bind, name in compiled.bind_names.items()},
            lambda kind: kind.bind_processor(dialect),
        )
        columns = {column.key: column.type.dialect_impl(dialect) for column in _columns(statement)}
        found = [kind.result_processor(dialect, None) for kind in columns.values()]
        self._found = found if any(found) else None
        self._row = namedtuple("Row", columns) if columns else None

    def values(self, given: Mapping[str, Any]) -> Any:
        """As this driver takes them."""
        whole = {**self._fixed, **given}
        for name, processor in self._given.items():
            whole[name] = processor(whole[name])
        return whole if self._places is None else tuple(whole[name] for name in self._places)

    def row(self, found: tuple[Any, ...]) -> Any:
        assert self._row is not None, "the statement gives no rows"
        if self._found is None:
            return self._row(*found)
        return self._row(*(turn(one) if turn else one for turn, one in zip(self._found, found, strict=True)))

    @property
    def gives_rows(self) -> bool:
        return self._row is not None


class Remembered:
    """Statements of one database, each prepared when it is first asked for."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._made: dict[Any, Prepared] = {}

    def __call__(self, statement: Any) -> Prepared:
        made = self._made.get(statement)
        if made is None:
            made = self._made[statement] = Prepared(statement, self._dialect)
        return made


def unheard(_statement: str) -> None:
    pass


class Asked:
    """The database while one transaction lasts. `heard` is told every statement."""

    def __init__(
        self, cursor: Any, prepared: Callable[[Any], Prepared], heard: Callable[[str], None] = unheard
    ) -> None:
        self._cursor, self._prepared, self._heard = cursor, prepared, heard

    def rows(self, statement: Any, **given: Any) -> list[Any]:
        """`statement`: one that is kept, since it is compiled once and remembered."""
        made = self._carry_out(statement, given)
        return [made.row(found) for found in self._cursor.fetchall()]

    def first(self, statement: Any, **given: Any) -> Any:
        """None where there is none."""
        found = self.rows(statement, **given)
        return found[0] if found else None

    def change(self, statement: Any, **given: Any) -> int:
        """How many rows it was."""
        self._carry_out(statement, given)
        return int(self._cursor.rowcount)

    def _carry_out(self, statement: Any, given: Mapping[str, Any]) -> Prepared:
        made = self._prepared(statement)
        self._heard(made.text)
        self._cursor.execute(made.text, made.values(given))
        return made


def _columns(statement: Any) -> tuple[Any, ...]:
    """What a SELECT, or a text that says its columns, gives."""
    return tuple(getattr(statement, "selected_columns", ()))


def _processors(kinds: Mapping[str, Any], of: Callable[[Any], Processor | None]) -> dict[str, Processor]:
    return {name: turn for name, kind in kinds.items() if (turn := of(kind)) is not None}
