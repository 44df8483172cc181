"""What only a real server can show of the ledger on PostgreSQL: writers side by side, locks, triggers, outages."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.schema import SchemaItem

from provisiond.adapters.ledger.connection import LOCKS, WRITER
from provisiond.adapters.ledger.lock import exclusive
from provisiond.adapters.ledger.place import Place, place
from provisiond.adapters.ledger.tables import metadata
from provisiond.adapters.portal_state.tables import metadata as short_memory
from provisiond.domain.errors import UnavailableError
from tests.rigs.ledgers import AT, DOMAIN, as_administrator, committed, emptied, on_server, open_at
from tests.rigs.postgres import PASSWORD, PostgresRig
from tests.rigs.steps import a_record, a_step


@pytest.fixture(name="where")
def ledger_place(postgres: PostgresRig) -> Place:
    """Of a ledger with two people."""
    found = place(emptied(postgres), PASSWORD)
    with closing(open_at(found)) as ledger:
        committed(ledger, 1)
        committed(ledger, 2)
    return found


@pytest.fixture(name="raw")
def raw_access(where: Place) -> Iterator[Connection]:
    """Somebody with write access and another tool, who commits at once."""
    engine = create_engine(as_administrator(where.url.render_as_string()), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


# -- schema ----------------------------------------------------------------------------------------------
def test_the_migrations_say_the_same_as_the_tables(raw: Connection) -> None:
    """The portal's short memory lies in the same database where tests of it ran before; it has no migrations."""
    context = MigrationContext.configure(raw, opts={"include_object": _is_of_the_ledger})
    assert compare_metadata(context, metadata) == []


def _is_of_the_ledger(thing: SchemaItem, name: str | None, kind: str, *_more: object) -> bool:
    table = name if kind == "table" else getattr(getattr(thing, "table", None), "name", None)
    return table not in short_memory.tables


def test_an_empty_database_is_a_ledger_only_after_init(postgres: PostgresRig) -> None:
    url = postgres.ledger_url()
    with pytest.raises(UnavailableError, match="provisiond ledger init"):
        on_server(url)
    on_server(url, create=True).close()
    with closing(on_server(url)) as ledger:
        assert ledger.verify_history() is None


def test_a_database_in_another_encoding_is_refused(postgres: PostgresRig) -> None:
    engine = create_engine(postgres.url(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"))
    engine.dispose()
    with pytest.raises(UnavailableError, match="not in UTF-8"):
        on_server(f"postgresql://postgres@127.0.0.1:{postgres.port}/latin", create=True)


# -- writers side by side --------------------------------------------------------------------------------
def test_writers_side_by_side_keep_one_chain_and_no_name_is_given_twice(where: Place) -> None:
    """Four writers want the same forty names, and each tells something in the history."""
    parked: list[int] = []

    def write(writer: int) -> None:
        with closing(open_at(where)) as ledger:
            for number in range(10, 50):
                step = a_step(writer * 1000 + number, account_name=f"wanted{number}", uid_number=None)
                parked.append(len(ledger.reserve([step], DOMAIN, AT)))
                ledger.activate("person-1", f"writer-{writer}", AT, bool(number % 2))

    writers = [threading.Thread(target=write, args=(n,)) for n in range(1, 5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with closing(open_at(where)) as ledger:
        assert ledger.verify_history() is None
        assert [line.seq for line in ledger.history()] == list(range(1, len(ledger.history()) + 1))
        assert len([name for name in ledger.identifiers() if name.startswith("wanted")]) == 40
    assert sum(parked) == 120, "of four that wanted a name three were refused, without an error"


def test_a_write_that_cannot_have_the_lock_is_refused_and_reads_go_on(where: Place, raw: Connection) -> None:
    url = where.url.render_as_string()
    with closing(on_server(url, wait_seconds=0.05)) as ledger:
        raw.execute(select(func.pg_advisory_lock(LOCKS, WRITER)))
        with pytest.raises(UnavailableError, match="55P03"):
            ledger.activate("person-1", "portal", AT)
        assert ledger.population() == 2
        raw.execute(select(func.pg_advisory_unlock(LOCKS, WRITER)))
        ledger.activate("person-1", "portal", AT)


def test_a_reader_sees_one_moment_while_others_write(where: Place) -> None:
    with closing(open_at(where)) as reader, closing(open_at(where)) as writer:
        students = reader.all_students()
        assert next(students) == "S0000001"
        committed(writer, 3)
        assert list(students) == ["S0000002"]
        assert list(reader.all_students()) == ["S0000001", "S0000002", "S0000003"]


# -- the cycle's lock ------------------------------------------------------------------------------------
def test_a_second_cycle_is_refused_and_told_who_is_at_work(where: Place) -> None:
    told = rf"another provisiond cycle \(pid {os.getpid()} on .*\) is at work"
    with exclusive(where), pytest.raises(UnavailableError, match=told), exclusive(where):
        pytest.fail("two cycles at once")
    with exclusive(where):
        pass


def test_a_dead_cycle_holds_no_lock(where: Place) -> None:
    program = (
        "import sys, time; from provisiond.adapters.ledger.place import place\n"
        "from provisiond.adapters.ledger.lock import exclusive\n"
        "with exclusive(place(sys.argv[1], sys.stdin.readline().strip())): print('held', flush=True); time.sleep(60)"
    )
    url = where.url.render_as_string()
    with subprocess.Popen(
        [sys.executable, "-c", program, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin and holder.stdout
        holder.stdin.write(f"{PASSWORD}\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UnavailableError, match=f"pid {holder.pid} on"), exclusive(where):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    _until_free(where)


def _until_free(where: Place) -> None:
    """The server notices the end of a session when it reads from it: soon, not at once."""
    for _ in range(200):
        try:
            with exclusive(where):
                return
        except UnavailableError:
            threading.Event().wait(0.05)
    pytest.fail("the lock of a dead process was never freed")


def test_a_cycle_that_lost_its_lock_writes_nothing_more(where: Place, raw: Connection) -> None:
    """Its connection was cut while it was paused, and another cycle is at work: it must notice before it writes."""
    url = where.url.render_as_string()
    with exclusive(where) as fence, closing(on_server(url, fence=fence)) as ledger:
        committed(ledger, 3)
        raw.execute(text("SELECT pg_terminate_backend(:session)"), {"session": fence})
        _until_free(where)
        with exclusive(where), pytest.raises(UnavailableError, match="lock was lost"):
            committed(ledger, 4)
        with pytest.raises(UnavailableError, match="lock was lost"):
            committed(ledger, 5)
        assert list(ledger.all_students()) == ["S0000001", "S0000002", "S0000003"]
    with closing(open_at(where)) as order:
        order.activate("person-1", "portal", AT)


# -- tampering -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE history SET actor = 'somebody else' WHERE seq = 2",
        "DELETE FROM history WHERE seq = 2",
        "DELETE FROM identifier WHERE value = 'name1'",
        "UPDATE identifier SET person_id = 'person-2' WHERE value = 'name1'",
        "DELETE FROM account WHERE person_id = 'person-1'",
        "UPDATE account SET account_name = 'other' WHERE person_id = 'person-1'",
        "TRUNCATE history",
        "TRUNCATE identifier CASCADE",
        "TRUNCATE account CASCADE",
        "INSERT INTO identifier VALUES ('name1', 'alias', 'person-2', '2025-09-01')",
        "UPDATE account SET uid_number = 100001 WHERE person_id = 'person-2'",
    ],
)
def test_what_is_for_ever_cannot_be_changed_in_passing(raw: Connection, statement: str) -> None:
    with pytest.raises(IntegrityError):
        raw.execute(text(statement))


def test_tampering_with_the_history_shows(where: Place, raw: Connection) -> None:
    """Whoever turns the triggers off first still breaks the chain."""
    raw.execute(text("SET session_replication_role = replica"))
    raw.execute(text("UPDATE history SET actor = 'somebody else' WHERE seq = 2"))
    with closing(open_at(where)) as ledger:
        assert ledger.verify_history() == "line 2 of the history was changed: its hash does not fit"


# -- outages and secrets ---------------------------------------------------------------------------------
def test_a_killed_writer_loses_nothing_it_was_told_is_committed(where: Place) -> None:
    program = (
        "import sys\nfrom provisiond.adapters.ledger.place import place\n"
        "from tests.rigs.ledgers import committed, open_at\n"
        "ledger = open_at(place(sys.argv[1], sys.stdin.readline().strip()))\n"
        "for number in range(100, 100000):\n    committed(ledger, number)\n    print(number, flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, where.url.render_as_string()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdin and writer.stdout
        writer.stdin.write(f"{PASSWORD}\n")
        writer.stdin.flush()
        acknowledged = [int(writer.stdout.readline()) for _ in range(30)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
    with closing(open_at(where)) as ledger:
        found = ledger.load(f"person-{number}" for number in acknowledged)
        assert len(found) == len(acknowledged)
        assert all(one.applied and one.records for one in found.values())
        assert ledger.verify_history() is None
        committed(ledger, 99)


def test_cut_connections_are_told_and_the_next_one_works(where: Place, raw: Connection) -> None:
    with closing(open_at(where)) as ledger:
        assert ledger.population() == 2
        raw.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'provisiond (%'"
            )
        )
        assert ledger.population() == 2
        committed(ledger, 3)
        assert ledger.population() == 3


def test_a_server_that_is_not_there_is_told(postgres: PostgresRig) -> None:
    with pytest.raises(UnavailableError, match="connection"):
        on_server("postgresql+psycopg://postgres@127.0.0.1:1/ledger")
    with pytest.raises(UnavailableError, match='database "none" does not exist'):
        on_server(f"postgresql+psycopg://postgres@127.0.0.1:{postgres.port}/none")


def test_a_wrong_password_is_told_and_not_shown(where: Place) -> None:
    wrong = Place(where.url, "hunter2-hunter2")
    with pytest.raises(UnavailableError, match="password authentication failed") as caught:
        open_at(wrong)
    with pytest.raises(UnavailableError, match="password authentication failed"), exclusive(wrong):
        pass
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r} {wrong!r} {wrong}"


def test_errors_show_nothing_of_what_was_stored(where: Place, raw: Connection) -> None:
    """PostgreSQL itself quotes the values of a key that is there twice, and of a date that is none."""
    secret = a_record(1)
    raw.execute(text("ALTER TABLE record ADD CONSTRAINT odd CHECK (student_id <> 'S0000001')  NOT VALID"))
    try:
        with (
            closing(open_at(where)) as ledger,
            pytest.raises(UnavailableError, match="SQLSTATE 23514") as caught,
        ):
            ledger.commit([a_step(1, new=False)], {"person-1": [secret]}, AT)
        shown = f"{caught.value!r} {caught.value.__cause__!r}"
        assert secret.birth_digest not in shown and secret.surname not in shown
        assert date(2025, 9, 1).isoformat() not in shown
    finally:
        raw.execute(text("ALTER TABLE record DROP CONSTRAINT odd"))
