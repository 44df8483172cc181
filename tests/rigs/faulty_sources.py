"""A registry of each type that can be broken in every way we know: the same verbs, each as that type would show it.

Rows are dictionaries by column title, as of the demo's sample."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Protocol

from psycopg import sql
from sqlalchemy import create_engine, make_url

from tests.rigs.json_service import Answer, JsonService, Query, as_json

Row = Mapping[str, str]
EXPORTED = "EXPORTED_AT"
NULL_BYTE = "\0"


def now() -> datetime:
    return datetime.now(UTC)


class FaultySource(Protocol):
    def section(self) -> str:
        """Of the configuration, without fields and codes."""
        ...

    def gives(self, rows: Sequence[Row], at: datetime | None = None) -> None:
        """All is well again. `at`: when it was exported, otherwise now."""
        ...

    def gives_nothing_at_all(self, rows: Sequence[Row]) -> None: ...
    def gives_no_rows(self, rows: Sequence[Row]) -> None: ...
    def is_cut_in_half(self, rows: Sequence[Row]) -> None: ...
    def is_half_written(self, rows: Sequence[Row]) -> None: ...
    def lacks_a_column(self, rows: Sequence[Row], title: str) -> None: ...
    def is_in_another_charset(self, rows: Sequence[Row]) -> None: ...
    def holds_nul(self, rows: Sequence[Row]) -> None: ...
    def is_html(self, rows: Sequence[Row]) -> None: ...
    def breaks_in_the_middle(self, rows: Sequence[Row]) -> None: ...
    def is_gone(self, rows: Sequence[Row]) -> None: ...
    def hangs(self, rows: Sequence[Row]) -> None: ...
    def denies_access(self, rows: Sequence[Row]) -> None: ...


class FaultyFile:
    """A CSV drop without a trailer, which makes it hard."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "drop" / "students.csv"
        self._path.parent.mkdir()

    def section(self) -> str:
        return 'type = "csv"\npath = "drop"\n'

    def gives(self, rows: Sequence[Row], at: datetime | None = None) -> None:
        self._clear()
        with self._path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        moment = (at or now()).timestamp()
        os.utime(self._path, (moment, moment))

    def gives_nothing_at_all(self, rows: Sequence[Row]) -> None:
        self._path.write_bytes(b"")

    def gives_no_rows(self, rows: Sequence[Row]) -> None:
        self._path.write_text(",".join(rows[0]) + "\n")

    def is_cut_in_half(self, rows: Sequence[Row]) -> None:
        raw = self._path.read_bytes()
        self._path.write_bytes(raw[: raw.index(b"\n", len(raw) // 2) - 30])

    def is_half_written(self, rows: Sequence[Row]) -> None:
        self._path.write_bytes(self._path.read_bytes()[:-30])

    def lacks_a_column(self, rows: Sequence[Row], title: str) -> None:
        self.gives([{k: v for k, v in row.items() if k != title} for row in rows])

    def is_in_another_charset(self, rows: Sequence[Row]) -> None:
        self._path.write_bytes(self._path.read_text("utf-8").encode("utf-16-le"))

    def holds_nul(self, rows: Sequence[Row]) -> None:
        self._path.write_bytes(b"\xef\xbb\xbf" + self._path.read_bytes().replace(b"REG", b"R\0G"))

    def is_html(self, rows: Sequence[Row]) -> None:
        self._path.write_text("<html><title>Log in</title>\n<p>Session over, please log in</p></html>\n" * 60)

    def breaks_in_the_middle(self, rows: Sequence[Row]) -> None:
        """A hole where a transfer lost a part: the file system gives NUL bytes."""
        raw = self._path.read_bytes()
        with self._path.open("r+b") as stream:
            stream.seek(len(raw) // 3)
            stream.write(bytes(len(raw) // 3))

    def is_gone(self, rows: Sequence[Row]) -> None:
        self._path.unlink()

    def hangs(self, rows: Sequence[Row]) -> None:
        self._path.unlink()
        os.mkfifo(self._path)

    def denies_access(self, rows: Sequence[Row]) -> None:
        """A link that leads in circles cannot be followed, by root neither."""
        self._path.unlink()
        self._path.symlink_to(self._path.name)

    def _clear(self) -> None:
        if self._path.is_symlink() or self._path.exists():
            self._path.unlink()


class FaultyDatabase:
    """A view on PostgreSQL; `url` of a database of its own, with the password of its owner."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url, self._folder = url, folder

    def section(self) -> str:
        secret = self._folder / "secrets" / "registry-password"
        secret.write_text(str(make_url(self.url).password))
        secret.chmod(0o600)
        url = make_url(self.url)._replace(password=None).render_as_string(hide_password=False)
        return (
            f'type = "sql"\nurl = "{url}"\npassword_file = "secrets/registry-password"\ntimeout = 2\n'
            f'query = "SELECT * FROM provisiond_students"\nage_column = "{EXPORTED}"\n'
        )

    def gives(self, rows: Sequence[Row], at: datetime | None = None) -> None:
        titles = list(rows[0])
        columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(title)) for title in titles)
        values = sql.SQL(", ").join(
            sql.SQL("({})").format(sql.SQL(", ").join(sql.Literal(row[title]) for title in titles))
            for row in rows
        )
        moment = sql.Literal((at or now()).isoformat())
        self._run(
            sql.SQL("DROP VIEW IF EXISTS provisiond_students; DROP TABLE IF EXISTS students"),
            sql.SQL("CREATE TABLE students ({})").format(columns),
            sql.SQL("INSERT INTO students VALUES {}").format(values),
            sql.SQL("ALTER TABLE students ADD {} timestamptz").format(sql.Identifier(EXPORTED)),
            sql.SQL("UPDATE students SET {} = {}").format(sql.Identifier(EXPORTED), moment),
        )
        self._show("SELECT * FROM students")
        self._allow(True)

    def gives_nothing_at_all(self, rows: Sequence[Row]) -> None:
        self._tell("TRUNCATE students")

    def gives_no_rows(self, rows: Sequence[Row]) -> None:
        self._show("SELECT * FROM students WHERE false")

    def is_cut_in_half(self, rows: Sequence[Row]) -> None:
        """A nightly job that was stopped."""
        self._tell(f"DELETE FROM students WHERE ctid IN (SELECT ctid FROM students LIMIT {len(rows) // 2})")

    def is_half_written(self, rows: Sequence[Row]) -> None:
        """A load that fills column after column."""
        self._tell('UPDATE students SET "DATE_OF_BIRTH" = NULL, "REG_STATUS" = NULL')

    def lacks_a_column(self, rows: Sequence[Row], title: str) -> None:
        self._tell(f'ALTER TABLE students RENAME "{title}" TO renamed')
        self._show("SELECT * FROM students")

    def is_in_another_charset(self, rows: Sequence[Row]) -> None:
        """Bytes that a client read in the wrong encoding and stored as what they looked like."""
        garbled = "convert_from(convert_to(\"CHINESE_NAME\", 'UTF8'), 'LATIN1')"
        self._tell(f'UPDATE students SET "CHINESE_NAME" = {garbled}')

    def holds_nul(self, rows: Sequence[Row]) -> None:
        """NUL itself cannot be in a text of PostgreSQL; bytes can."""
        self._tell("DROP VIEW provisiond_students")
        self._tell('ALTER TABLE students ALTER "SURNAME" TYPE bytea USING convert_to("SURNAME", \'UTF8\')')
        self._show("SELECT * FROM students")

    def is_html(self, rows: Sequence[Row]) -> None:
        """The error page that a job loaded as if it were data."""
        self._tell("UPDATE students SET \"STUDENT_ID\" = '<html>', \"SURNAME\" = '<p>Session over</p>'")
        self._tell("UPDATE students SET \"DATE_OF_BIRTH\" = '</html>'")

    def breaks_in_the_middle(self, rows: Sequence[Row]) -> None:
        last = rows[-1]["STUDENT_ID"]
        ends = f"CASE \"STUDENT_ID\" WHEN '{last}' THEN pg_terminate_backend(pg_backend_pid()) END AS ended"
        self._show(f"SELECT *, {ends} FROM students")

    def is_gone(self, rows: Sequence[Row]) -> None:
        self._tell("DROP VIEW provisiond_students", "DROP TABLE students")

    def hangs(self, rows: Sequence[Row]) -> None:
        self._show("SELECT students.* FROM students, pg_sleep(60)")

    def denies_access(self, rows: Sequence[Row]) -> None:
        self._allow(False)

    def _allow(self, allowed: bool) -> None:
        """By the password that we have."""
        secret = self._folder / "secrets" / "registry-password"
        secret.write_text(str(make_url(self.url).password) if allowed else "no-more-valid")

    def _show(self, query: str) -> None:
        self._tell("DROP VIEW IF EXISTS provisiond_students", f"CREATE VIEW provisiond_students AS {query}")

    def _tell(self, *statements: str) -> None:
        self._run(*(sql.SQL(statement) for statement in statements))

    def _run(self, *statements: sql.Composable) -> None:
        engine = create_engine(self.url)
        with engine.begin() as connection:
            for statement in statements:
                connection.connection.cursor().execute(statement)
        engine.dispose()


class FaultyService:
    """JSON by HTTP in pages of twenty, with a total."""

    def __init__(self, service: JsonService) -> None:
        self._service = service

    def section(self) -> str:
        return (
            f'type = "http"\nurl = "{self._service.url}"\nrecords = "items"\nnext = "next"\ntotal = "total"\n'
            "read_timeout = 1\nretries = 1\n"
        )

    def gives(self, rows: Sequence[Row], at: datetime | None = None) -> None:
        modified = format_datetime(at or now(), usegmt=True)
        self._service.answer = lambda query: self._page(rows, query, modified)

    def gives_nothing_at_all(self, rows: Sequence[Row]) -> None:
        self._service.gives(Answer(headers=self._headers()))

    def gives_no_rows(self, rows: Sequence[Row]) -> None:
        self._service.gives(as_json({"items": [], "total": 0, "next": None}, **self._dated()))

    def is_cut_in_half(self, rows: Sequence[Row]) -> None:
        self._second_page(lambda page: Answer(page.body[: len(page.body) // 2], headers=page.headers), rows)

    def is_half_written(self, rows: Sequence[Row]) -> None:
        """The last page is not there yet; the total is."""
        total = {"total": len(rows), "next": None}
        self._second_page(lambda page: as_json({"items": list(rows[20:40])} | total, **self._dated()), rows)

    def lacks_a_column(self, rows: Sequence[Row], title: str) -> None:
        self.gives([{k: v for k, v in row.items() if k != title} for row in rows])

    def is_in_another_charset(self, rows: Sequence[Row]) -> None:
        body = json.dumps({"items": rows, "total": len(rows)}, ensure_ascii=False).encode(
            "big5hkscs", "replace"
        )
        self._service.gives(Answer(body, headers=self._headers()))

    def holds_nul(self, rows: Sequence[Row]) -> None:
        self.gives([{**row, "SURNAME": row["SURNAME"] + NULL_BYTE} for row in rows])

    def is_html(self, rows: Sequence[Row]) -> None:
        self._service.gives(Answer(b"<html>Log in</html>", headers={"Content-Type": "text/html"}))

    def breaks_in_the_middle(self, rows: Sequence[Row]) -> None:
        def broken(page: Answer) -> Answer:
            half = page.body[: len(page.body) // 2]
            return Answer(half, headers=page.headers, promised=len(page.body), reset=True)

        self._second_page(broken, rows)

    def is_gone(self, rows: Sequence[Row]) -> None:
        self._service.gives(Answer(status=404))

    def hangs(self, rows: Sequence[Row]) -> None:
        self._second_page(
            lambda page: Answer(page.body, headers=page.headers, promised=10**6, hangs=True), rows
        )

    def denies_access(self, rows: Sequence[Row]) -> None:
        self._service.gives(Answer(status=302, headers={"Location": "/login"}))

    def _second_page(self, change: Any, rows: Sequence[Row]) -> None:
        modified = format_datetime(now(), usegmt=True)

        def answer(query: Query) -> Answer:
            page = self._page(rows, query, modified)
            return change(page) if query.get("from") else page

        self._service.answer = answer

    def _page(self, rows: Sequence[Row], query: Query, modified: str) -> Answer:
        at = int(query.get("from", "0"))
        following = f"?from={at + 20}" if at + 20 < len(rows) else None
        document = {"items": list(rows[at : at + 20]), "total": len(rows), "next": following}
        return as_json(document, Last_Modified=modified)

    def _dated(self) -> dict[str, str]:
        return {"Last_Modified": format_datetime(now(), usegmt=True)}

    def _headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Last-Modified": format_datetime(now(), usegmt=True)}
