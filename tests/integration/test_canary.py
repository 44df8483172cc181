"""No HKID number, no birth date and no secret comes out anywhere, and no name where it is logged or watched: persons
and secrets are planted, every verb is run, faults are provoked, and all that was said is searched."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisiond.adapters.monitor import asked, status_of
from provisiond.listening import Place
from tests.integration.conftest import Site, new_site
from tests.rigs.all_verbs import verbs
from tests.rigs.canary import HKIDS, Canary, planted
from tests.rigs.forked import DEVNULL, Forked
from tests.rigs.slapd import SlapdRig

WHO, REJECTED = "47000001", "47000002"
# verb → ways to run it, and how each may end; in an order in which each has something to do
RUNS: Sequence[tuple[str, int]] = (
    ("check", 75),  # no mail server and no mailbox answer
    ("plan", 1),
    ("plan --json", 1),
    ("plan --ldif", 1),
    ("once --dry-run --json", 0),
    ("once", 0),
    ("once --all", 0),
    ("audit --json", 0),
    ("explain 47000001", 0),
    ("explain 47000001 --json", 0),
    ("explain 47000002", 0),
    ("history", 0),
    ("history --json", 0),
    ("history --verify", 0),
    ("accounts --json", 0),
    ("rejects", 0),
    ("rejects --json", 0),
    ("names Quixotry", 0),
    ("hold 47000001 --reason inquiry", 0),
    ("release 47000001 --reason done", 0),
    ("activate 47000001", 0),
    ("extend 47000001 --until 2099-01-01 --reason thesis", 0),
    ("re-enrol 47000001 --reason lost", 65),  # no second factor yet
    ("log-out 47000001 --reason lost", 78),  # there is no portal; tests/portal/test_portal_canary.py has one
    ("portal --check", 78),
    ("adopt --match employeeNumber --csv", 0),
    ("rebuild --dry-run", 65),
    ("notices list", 0),
    ("notices preview created 47000001 --json", 0),
    ("outbox --json", 0),
    ("outbox send", 75),
    ("outbox retry --person 47000001 --reason mended", 65),
    ("outbox drop --person 47000001 --reason told", 0),
    ("outbox settle --all", 0),
    ("outbox", 0),
    ("inbox", 75),
    ("inbox bad", 0),
    ("inbox trust nobody@example.net --reason mended", 65),
    ("rehearse --until 2027-01-01 --json", 0),
    ("approve no-such-hash", 65),
    ("directory init --ldif", 0),
    ("ledger init", 0),
    ("ledger backup BACKUP", 0),
    ("ledger restore BACKUP --dry-run", 0),
    ("status --json", 1),
)
LOGGED = re.compile(r"\S+Z \[|<\d>")
ELSEWHERE = {"run"}  # below


def all_said(wanted: Sequence[tuple[list[str], bool]]) -> list[tuple[int, str]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.rigs.all_verbs"],
        input="\n".join(map(json.dumps, wanted)),
        stdout=subprocess.PIPE,
        env={**os.environ, "NO_COLOR": "1"},
        text=True,
        check=True,
        timeout=300,
    )
    return [(code, said) for code, said in map(json.loads, done.stdout.splitlines())]


@dataclass(frozen=True, slots=True)
class Spied:
    site: Site
    canary: Canary

    def run(self, runs: Sequence[str], *, as_journal: Callable[[str], bool]) -> dict[str, tuple[int, str]]:
        """Each line of words in turn, logging everything; exit code and all that was said."""
        config = self.site.university.config
        wanted = [([*self.words(f"-c {config}"), *self.words(line)], as_journal(line)) for line in runs]
        return dict(zip(runs, all_said(wanted), strict=True))

    def words(self, line: str) -> list[str]:
        return line.replace("BACKUP", str(self.site.university.folder / "backup.db")).split()

    def everything_in_the_ledger(self) -> str:
        folder = self.site.university.folder
        return "".join(file.read_bytes().decode("latin-1") for file in folder.glob("ledger.db*"))


@pytest.fixture
def spied(slapd: SlapdRig, tmp_path: Path) -> Iterator[Spied]:
    slapd.reset()
    site = new_site(slapd, tmp_path)
    university = site.university
    university.edit(planted)
    text = university.config.read_text() + f'\n[monitoring]\nlisten = "{tmp_path}/monitor.sock"\n'
    for name in ("smtp", "imap"):
        university.secret(name)
    text += '\n[mail]\nhost = "localhost"\nport = 9\nuser = "provisiond"\npassword_file = "secrets/smtp"\n'
    text += 'sender = "accounts@example.edu"\n'
    text += '\n[inbox]\nhost = "localhost"\nport = 9\nuser = "bounces"\npassword_file = "secrets/imap"\n'
    university.config.write_text(text)
    secrets = {file.name: file.read_text().strip() for file in (university.folder / "secrets").iterdir()}
    assert {"daemon", "digest.key", "admin", "portal", "reader"} <= set(secrets)
    yield Spied(site, Canary(secrets))


SECRET = "s3cret/+word-that-is-long"


@pytest.mark.parametrize(
    "said",
    [
        HKIDS[0], f"{HKIDS[0][:-1]}({HKIDS[0][-1]})", HKIDS[0].lower(), "K 583927 1", "K-583927(1)", "Ｋ５８３９２７",
        "1947-03-29", "29/03/1947", "29/3/1947", "19470329", "29 Mar 1947", "March 29, 1947", "1947年3月29日",
        "datetime.date(1947, 3, 29)", SECRET, "s3cret%2F%2Bword-that-is-long", SECRET.encode().hex(),
        base64.b64encode(SECRET.encode()).decode(), base64.b64encode(b"x" + SECRET.encode()).decode(),
    ],
)  # fmt: skip
def test_the_canary_is_heard_in_every_spelling(said: str) -> None:
    """The test of the test."""
    canary = Canary({"smtp": SECRET})
    hidden = base64.b64encode(said.encode()).decode()
    assert canary.found(f"so: {said}.") and canary.found(f"a: b\nsn:: {hidden}\n")


def test_the_canary_is_not_heard_where_it_is_not() -> None:
    said = "2026-11-24, uid=tmchan, 26000001, 1947, K58392 sn:: 5Y2B"
    assert Canary({"smtp": SECRET}).found(said) == []


def test_every_verb_is_listened_to() -> None:
    """A new verb is added to RUNS, with what makes it speak."""
    heard = {" ".join(line.split()[:n]) for line, _ in RUNS for n in (1, 2)} | ELSEWHERE
    assert set(verbs()) <= heard


def test_no_verb_says_an_identity_number_a_birth_date_or_a_secret(spied: Spied) -> None:
    lines = [line for line, _ in RUNS]
    told = spied.run(lines, as_journal=lambda line: lines.index(line) > lines.index("names Quixotry"))
    assert {line: told[line][0] for line, _ in RUNS} == dict(RUNS), told
    for line, (_, said) in told.items():
        assert spied.canary.found(said) == [], line
    assert "Quixotry" in told["plan --ldif"][1], "it is about the planted person"
    assert "47000004" in told["rejects"][1]
    assert "change=create" in told["once"][1] and '"change": "create"' in told["activate 47000001"][1]
    logged = [line for _, said in told.values() for line in said.splitlines() if LOGGED.match(line)]
    assert len(logged) > 100 and spied.canary.names("\n".join(logged)) == []
    assert spied.canary.found(spied.everything_in_the_ledger()) == []


# -- faults ----------------------------------------------------------------------------------------------
def faulty(spied: Spied) -> Iterator[tuple[str, str]]:
    """Configurations, by what is wrong with each."""
    university, sound = spied.site.university, spied.site.university.config.read_text()
    secret, rows = university.secret("digest.key"), university.registry_file.read_text()
    university.keep_secret("wrong", "a-wrong-password-of-somebody")
    for name, text in (
        ("shifted", rows.replace(",", ",,", 1)),
        ("renamed", rows.replace("STATUS_DATE", "SINCE", 1)),
        ("cut", rows[: rows.index(HKIDS[0][:7]) + 7]),
        ("binary", "\0" + rows),
        ("doubled", rows.replace("TRAILER,", "47000001,TRAILER,")),
    ):
        (university.folder / f"{name}.csv").write_text(text)
        yield name, sound.replace("registry/students.csv", f"{name}.csv")
    (university.folder / "utf16.csv").write_text(rows, "utf-16-le")
    yield "utf16", sound.replace("registry/students.csv", "utf16.csv")
    (university.folder / "garbage.db").write_text(rows * 9)
    yield "garbage", sound.replace('"ledger.db"', '"garbage.db"')
    yield "no-ledger", sound.replace('"ledger.db"', '"none.db"')
    yield "wrong-password", sound.replace('"secrets/daemon"', '"secrets/wrong"')
    yield "no-directory", re.sub(r'urls = \[".*"\]', 'urls = ["ldap://127.0.0.1:9"]', sound)
    yield "key-for-file", sound.replace('"secrets/digest.key"', f'"{secret}"')
    yield "unknown-key", f'digest_key = "{secret}"\n{sound}'
    yield "in-url", re.sub(r'urls = \[".*"\]', f'urls = ["ldap://x:{secret}@h"]', sound)
    yield "number", sound.replace('password_file = "secrets/daemon"', f'password_file = ["{secret}"]')
    yield "open-string", f'digest_key_file = "{secret}\n{sound}'
    yield "database-url", sound.replace('path = "ledger.db"', f'url = "postgresql://u:{secret}@h/d"')


def test_no_fault_quotes_what_it_met(spied: Spied) -> None:
    folder, words_of = spied.site.university.folder, list[tuple[list[str], bool]]()
    for name, text in faulty(spied):
        (folder / f"{name}.toml").write_text(text)
        words_of += [
            (["-c", str(folder / f"{name}.toml"), verb], verb == "once") for verb in ("check", "once")
        ]
    secrets = {file.name: file.read_text().strip() for file in (folder / "secrets").iterdir()}
    for (words, _), (code, said) in zip(words_of, all_said(words_of), strict=True):
        assert code in (65, 75, 78), (words, said)
        assert Canary(secrets).found(said) == [], words
        logged = "\n".join(line for line in said.splitlines() if LOGGED.match(line))
        assert spied.canary.names(logged) == [], words


# -- the daemon ------------------------------------------------------------------------------------------
def until(is_so: Callable[[], object], process: Forked) -> None:
    for _ in range(600):
        if is_so():
            return
        assert process.poll() is None, "the daemon ended"
        time.sleep(0.1)
    raise AssertionError("not within a minute")


def test_the_daemon_neither_logs_nor_shows_anything_personal(spied: Spied) -> None:
    university = spied.site.university
    place = Place.of(f"{university.folder}/monitor.sock")
    reading, writing = os.pipe()
    stream = os.fstat(writing)
    daemon = Forked(
        ["-c", str(university.config), "run"],
        stdout=DEVNULL,
        stderr=writing,
        environment={**os.environ, "JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"},
    )
    os.close(writing)
    pages = list[str]()

    def job(name: str, key: str) -> object:
        told = status_of(place) or {"jobs": []}
        return {one["name"]: one[key] for one in told["jobs"]}.get(name)

    def look() -> None:
        for page in ("/metrics", "/healthz", "/readyz", "/status"):
            said = asked(place, page)
            assert said, page
            pages.append(said[1].decode())

    try:
        until(lambda: job("poll", "succeeded_at"), daemon)
        until(lambda: "pending" in str(status_of(place)), daemon)  # facts are a few seconds old
        look()
        sound = university.config.read_text()
        university.config.write_text(f'digest_key = "{university.secret("digest.key")}"\n{sound}')
        daemon.send_signal(signal.SIGHUP)
        until(lambda: (status_of(place) or {})["configuration"]["refused"], daemon)
        look()
        university.registry_file.write_text(university.registry_file.read_text().replace(",", ",,", 1))
        university.config.write_text(sound)
        daemon.send_signal(signal.SIGHUP)
        until(
            lambda: "provisiond_fetch_refused{" in (asked(place, "/metrics") or (0, b""))[1].decode(), daemon
        )
        look()
    finally:
        daemon.terminate()
        ended = daemon.wait(20)
    assert ended == 0
    with os.fdopen(reading, "rb") as said:
        logged = said.read().decode()
    shown = logged + "".join(pages)
    assert '"change": "create"' in logged and '"event": "configuration refused' in logged
    assert (
        "fetch refused" in logged
        and '"role": "leader"' in shown
        and 'provisiond_accounts{state="pending"}' in shown
    )
    assert all(LOGGED.match(line) for line in logged.splitlines()), "nothing but events"
    assert spied.canary.found(shown) == [] and spied.canary.names(shown) == []
    rows = university.registry_file.read_text()
    addresses = set(re.findall(r"[\w.]+@[\w.]+", rows)) | {"@example.edu", "@connect.example.edu"}
    assert len(addresses) > 50 and not any(address in shown for address in addresses)
