"""Backup and restore: any kind of ledger into one file, and from it into any kind."""

from __future__ import annotations

import json
import sqlite3
import stat
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.command import upgrade
from alembic.config import Config
from sqlalchemy import create_engine

from provisiond.adapters.ledger import copies, schema
from provisiond.adapters.ledger.place import Place, place
from provisiond.adapters.ledger.portal import SqlPortalLedger
from provisiond.adapters.ledger.sql import SqlLedger
from provisiond.domain.errors import UnavailableError
from provisiond.domain.model import (
    Absence,
    Block,
    Extension,
    Fetch,
    Hold,
    HoldKind,
    NoticeKind,
    Occurrence,
    Rejection,
    RowKey,
    State,
    Stretch,
)
from provisiond.domain.plan import Parked, Proof
from provisiond.ports import AccountFilter, Kind, Sighting
from provisiond.ports.portal import CodeSet, Ticket, TicketKind
from tests.rigs.ledgers import AT, DOMAIN, LATER, NEXT_YEAR, TODAY, committed, emptied, open_at, url
from tests.rigs.postgres import PASSWORD
from tests.rigs.steps import a_notice, a_record, a_step

KINDS = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a ledger lies that has something of everything."""
    where = a_place(request.param, request, tmp_path / "source")
    with closing(open_at(where)) as ledger:
        fill(ledger)
    with closing(portal_at(where)) as portal:
        fill_for_portal(portal)
    return where


def a_place(kind: str, request: pytest.FixtureRequest, folder: Path) -> Place:
    """Of an empty ledger."""
    if kind == "postgresql":
        return place(emptied(request.getfixturevalue("postgres")), PASSWORD)
    where = place(url(folder / "ledger.db"))
    open_at(where, create=True).close()
    return where


def fill(ledger: SqlLedger) -> None:
    for number in (1, 2, 3):
        committed(ledger, number)
    ledger.commit(
        [a_step(1, from_state=State.PENDING, new=False, notices=(a_notice(1),))], {}, AT, {"mails": 1}
    )
    ledger.activate("person-1", "portal", AT, True)
    ledger.hold("person-2", Hold(HoldKind.LOCK, AT, None, "asked", "alice"))
    ledger.extend("person-2", Extension(NEXT_YEAR, AT, "thesis", "alice"))
    proof = Proof(frozenset({"h9"}), frozenset({"b9"}))
    ledger.park([Parked("person-9", "S0000009", "no Latin letter in the name", proof)], AT)
    block = Block(b"d" * 16, (RowKey(b"m" * 8, "S0000001", "BSC-CS", True),))
    rejected = (Rejection("students", "a.csv", 7, None, ("no surname",)),)
    ledger.mark_fetch(a_fetch(rejections=rejected, blocks=[block]), (), AT, TODAY)
    ledger.mark_fetch(a_fetch(gone=(("S0000003", "BSC-CS"),), kept=frozenset({block.digest})), (), AT, TODAY)
    ledger.hold_plan("abc", "300 losses", [replace(a_notice(1), key="operator", person_id=None)], AT)
    ledger.tell("person-1", Occurrence(NoticeKind.PASSWORD_CHANGED, AT, "", "portal"))
    ledger.approve("abc", "alice", LATER)
    ledger.set_watermark("20250901")
    ledger.sight([Sighting(b"e" * 16, "person-1", Kind.ACCOUNT, b"8 octets")])


def a_fetch(
    rejections: tuple[Rejection, ...] = (),
    blocks: list[Block] | None = None,
    gone: tuple[tuple[str, str], ...] = (),
    kept: frozenset[bytes] = frozenset(),
) -> Fetch:
    return Fetch(
        source="students",
        file="a.csv",
        digest="d1",
        rows=3,
        rejections=rejections,
        changed=(),
        gone=gone,
        kept=kept,
        blocks=blocks or [],
        complete=True,
        etag='"1"',
        watermark="7",
        outline=(Stretch(b"o" * 16, 300, 3, 2, 1, (b"b" * 16, b"c" * 16)),),
    )


def portal_at(where: Place) -> SqlPortalLedger:
    return SqlPortalLedger.open(where.url.render_as_string(hide_password=False), password=where.password)


def fill_for_portal(portal: SqlPortalLedger) -> None:
    factor = portal.begin_factor("person-1", b"sealed", AT)
    codes = CodeSet(b"salt", frozenset({b"one", b"two"}), AT)
    assert portal.complete_activation("person-1", factor.id, 7, codes, ("1", AT), AT)
    portal.begin_factor("person-1", b"another", LATER)
    ticket = Ticket(TicketKind.RE_ENROLMENT, "person-1", "digest", None, LATER, ("ann",))
    portal.issue_ticket(ticket, AT)


def said_to_portal(where: Place) -> dict[str, object]:
    with closing(portal_at(where)) as portal:
        return {
            "proofs": [portal.proofs(student_id) for student_id in ("S0000001", "S0000009")],
            "accepted": portal.accepted("person-1"),
            "factors": (portal.factor("person-1"), portal.pending_factor("person-1")),
            "codes": portal.recovery_codes("person-1"),
            "ticket": portal.ticket("person-1", TicketKind.RE_ENROLMENT),
        }


def said(where: Place) -> dict[str, object]:
    """All that a ledger can be asked."""
    with closing(open_at(where)) as ledger:
        memory = ledger.memory("students")
        return {
            "accounts": ledger.accounts(AccountFilter()),
            "due": list(ledger.due_students(TODAY)),
            "identifiers": sorted(ledger.identifiers()),
            "weights": ledger.recent_weights(AT - (LATER - AT)),
            "parked": ledger.parked(),
            "absences": ledger.absences(),
            "fetch": (memory.last(), memory.outline()),
            "aside": ledger.aside(["S0000009"]),
            "blocks": list(memory.blocks(memory.settled() | memory.unsettled())),
            "rejections": ledger.rejections(),
            "plans": ledger.held_plans(),
            "outbox": ledger.outbox(),
            "drift": (ledger.watermark(), list(ledger.sightings())),
            "history": ledger.history(),
            "fault": ledger.verify_history(),
        }


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_restored_says_the_same(
    request: pytest.FixtureRequest, source: Place, kind: str, tmp_path: Path
) -> None:
    """From either kind to either kind; and the copy can be worked on."""
    before, before_to_portal = said(source), said_to_portal(source)
    assert None not in before_to_portal.values()
    assert before["fault"] is None and before["absences"] == [
        Absence("students", "S0000003", "BSC-CS", TODAY, 1)
    ]
    file = tmp_path / "backup.db"
    assert copies.backup(source, file) == 3
    target = a_place(kind, request, tmp_path / "target")
    assert copies.restore(file, target) == 3
    assert said(target) == before
    assert said_to_portal(target) == before_to_portal
    with closing(open_at(target)) as ledger:
        committed(ledger, 4)
        ledger.hold("person-4", Hold(HoldKind.LOCK, AT, None, "asked", "alice"))
        assert ledger.verify_history() is None
    with closing(portal_at(target)) as portal:
        portal.begin_factor("person-4", b"sealed", LATER)


def test_a_backup_is_one_file_that_only_its_owner_can_read(source: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    copies.backup(source, folder / "backup.db")
    assert [path.name for path in folder.iterdir()] == ["backup.db"]
    assert stat.S_IMODE((folder / "backup.db").stat().st_mode) == 0o600


def test_backups_taken_while_others_write_are_whole(source: Place, tmp_path: Path) -> None:
    """Each is the ledger of one instant: whatever was committed before it began is in it, nothing is by half."""
    done, over = [3], threading.Event()

    def write() -> None:
        with closing(open_at(source)) as ledger:
            for number in range(100, 100_000):
                steps = [a_step(number * 10 + n) for n in range(5)]
                ledger.reserve(steps, DOMAIN, AT)
                ledger.commit(
                    steps, {s.person_id: [a_record(number * 10 + n)] for n, s in enumerate(steps)}, AT
                )
                done[0] += 5
                if over.is_set():
                    return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            before, file = done[0], tmp_path / f"backup{number}.db"
            assert copies.backup(source, file) >= before
            assert copies.checked(file) >= before
            with closing(sqlite3.connect(file)) as raw:
                [(accounts, identifiers)] = raw.execute(
                    "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM identifier)"
                )
                assert accounts == identifiers and accounts % 5 == 3
    finally:
        over.set()
        writer.join()
    assert done[0] > 3, "nothing was written meanwhile"


def test_nothing_is_overwritten(source: Place, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    copies.backup(source, file)
    content, before = file.read_bytes(), said(source)
    with pytest.raises(UnavailableError, match="nothing is overwritten"):
        copies.backup(source, file)
    with pytest.raises(UnavailableError, match="is not empty"):
        copies.restore(file, source)
    assert file.read_bytes() == content
    assert said(source) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("UPDATE history SET actor = 'nobody' WHERE seq = 2", "line 2 of the history was changed"),
        ("DELETE FROM history WHERE seq = (SELECT max(seq) FROM history)", "was the last one written"),
        ("UPDATE account SET created_at = 'yesterday'", "a value cannot be read"),
        ("UPDATE alembic_version SET version_num = '9999'", "9999 is newer"),
        ("DROP TABLE alembic_version", "something else"),
        ("cut", "(malformed|damaged|disk image)"),
        ("text", "not a database"),
        ("empty", "holds no ledger"),
        ("missing", "there is none"),
    ],
)
def test_a_damaged_backup_is_refused_and_leaves_nothing(
    request: pytest.FixtureRequest, kind: str, damage: str, told: str, tmp_path: Path
) -> None:
    file, origin = tmp_path / "backup.db", a_place("sqlite", request, tmp_path / "origin")
    with closing(open_at(origin)) as ledger:
        fill(ledger)
    copies.backup(origin, file)
    spoil(file, damage)
    target = a_place(kind, request, tmp_path / "target")
    with pytest.raises(UnavailableError, match=told):
        copies.restore(file, target)
    with closing(open_at(target)) as ledger:
        assert (ledger.history(), list(ledger.all_students())) == ([], [])


def spoil(file: Path, damage: str) -> None:
    match damage:
        case "cut":
            file.write_bytes(file.read_bytes()[:-20_000])
        case "text":
            file.write_text("no database" * 1000)
        case "empty":
            file.write_bytes(b"")
        case "missing":
            file.unlink()
        case _:
            with closing(sqlite3.connect(file)) as raw:
                raw.execute("DROP TRIGGER history_update_forbidden")
                raw.execute("DROP TRIGGER history_delete_forbidden")
                raw.execute(damage)
                raw.commit()


def test_a_missing_ledger_is_restored_too(source: Place, tmp_path: Path) -> None:
    file, target = tmp_path / "backup.db", place(url(tmp_path / "new" / "ledger.db"))
    copies.backup(source, file)
    copies.restore(file, target)
    assert said(target) == said(source)
    assert target.path and stat.S_IMODE(target.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_an_older_version_is_backed_up_as_it_is_and_upgraded_by_restoring(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    """So that a backup can be made before `ledger init` upgrades."""
    old, file = place(url(tmp_path / "old.db")), tmp_path / "backup.db"
    an_old_ledger(tmp_path / "old.db")
    copies.backup(old, file)
    with pytest.raises(UnavailableError, match="its schema is 0001"):
        open_at(old)
    target = a_place(kind, request, tmp_path / "target")
    assert copies.restore(file, target) == 1
    with closing(open_at(target)) as ledger:
        assert list(ledger.identifiers()) == ["name1"]
        assert ledger.memory("students").students_with_hkids(["d" * 64]) == {"d" * 64: {"S0000001"}}


def an_old_ledger(path: Path) -> None:
    """With one account, made by the first version."""
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    engine = create_engine(url(path))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        upgrade(config, "0001")
        content, at = json.dumps({"hkid_digest": "d" * 64}), AT.isoformat()
        for statement in (
            "INSERT INTO account VALUES"
            f" ('person-1', 'S0000001', 'name1', 1, 'active', 1, '{at}', NULL, 0, NULL, NULL)",
            f"INSERT INTO identifier VALUES ('name1', 'account-name', 'person-1', '{at}')",
            f"INSERT INTO record VALUES ('students', 'S0000001', 'BSC', 'person-1', '{content}', 'd')",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()
