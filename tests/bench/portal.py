"""The portal beside a bare Starlette page of the same size, on the same server, asked by the same clients in the same
run: the identity step with wrong and with right values, and searches of the directory, each another one. 100,000
accounts in the ledger, 100,000 listings in a slapd. The portal has as many processes as it is installed with (the
bare page is one), and then one; clients and slapd have their part of the same processors."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from provisiond.demo.browser import Browser
from provisiond.demo.sample import MAPPING
from provisiond.demo.slapd import free_port
from provisiond.domain.hkid import check_digit
from provisiond.settings import load_portal
from tests.bench.core import given_names, surname
from tests.bench.figures import at_least, figure, note
from tests.bench.worlds import Site, empty_site, offline

STUDENTS = 100_000
CONNECTIONS, SECONDS, ROUNDS = 8, 20, 3
REQUESTS, SESSIONS = 1500, 400  # in one round; whoever is right begins a session anew
SLOWEST = 0.3  # of the bare page's requests a second
PROCESSORS = len(os.sched_getaffinity(0))

Told = dict[str, float]
_KEPT = frozenset(
    {"uid", "cn", "cn;lang-zh", "sn", "givenname", "displayname", "displayname;lang-zh", "ou", "mail"}
)


def figures(folder: Path, scale: float) -> None:
    with loaded(folder, int(STUDENTS * scale)) as site:
        rows = [
            row for row in site.university.rows() if row[MAPPING["hkid"]] and row[MAPPING["status"]] == "REG"
        ]
        config = site.university.config
        installed = load_portal(config).web.processes
        for processes in dict.fromkeys((installed, 1)):
            with serving("portal", str(config), str(processes)):
                Measuring(folder, site, rows).run(processes, processes == installed)


@contextmanager
def loaded(folder: Path, students: int) -> Iterator[Site]:
    """Everybody has an account and a listing, of names as spread as a university's."""
    with empty_site(folder, students, portal_port=free_port()) as site:
        site.university.edit(_named)
        file, listings = folder / "load.ldif", folder / "listings.ldif"
        site.measure("offline", str(file))
        with file.open(encoding="utf-8") as accounts, listings.open("w", encoding="utf-8") as out:
            out.writelines(_listing(record) for record in _records(accounts))
        site.slapd.stop()
        where = ["-F", str(site.slapd.folder / "slapd.d"), "-b", "dc=example,dc=edu"]
        for part in (file, listings):
            offline(["slapadd", "-q", *where, "-l", str(part)])
        site.slapd.start()
        yield site


def _named(rows: list[dict[str, str]]) -> None:
    """By student ID: both rows of who has two programmes are one person."""
    for row in rows:
        number = int(row[MAPPING["student_id"]][2:])
        row[MAPPING["surname"]], row[MAPPING["given_names"]] = surname(number), given_names(number)


def _records(lines: Iterator[str] | Sequence[str]) -> Iterator[list[str]]:
    record: list[str] = []
    for line in lines:
        if line.strip():
            record.append(line)
        elif record:
            yield record
            record = []
    if record:
        yield record


def _listing(record: list[str]) -> str:
    """Of an account's record, as the daemon writes it of who has activated."""
    name = record[0].partition(",")[0]
    kept = [line for line in record[1:] if line.partition(":")[0].lower() in _KEPT]
    kinds = ("inetOrgPerson", "provisiondObject")
    marked = [line for line in record[1:] if line.lower().startswith("provisiondpersonid:")]
    classes = [f"objectClass: {kind}\n" for kind in kinds]
    return "".join([f"{name},ou=contacts,dc=example,dc=edu\n", *classes, *kept, *marked, "\n"])


@contextmanager
def serving(*what: str) -> Iterator[None]:
    """A web server in a process of its own, with its log in a file as a service has it."""
    command = [sys.executable, "-m", "tests.bench.web_process", *what]
    with Path(".cache", "bench-portal.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout and process.stdout.readline() == "ready\n", f"{what[0]} does not start"
            yield
        finally:
            process.terminate()
            process.wait(30)


class Measuring:
    """Rounds of each kind, each beside a bare page."""

    def __init__(self, folder: Path, site: Site, rows: list[dict[str, str]]) -> None:
        self._folder, self._slapd, self._rows = folder, site.slapd, rows
        self._port = site.university.portal_port
        self._chance = random.Random(1)
        self._searched = 0

    def run(self, processes: int, is_installed: bool) -> None:
        kinds: dict[str, tuple[Callable[[], list[str]], str]] = {
            "identity-wrong": (self._wrong, "200"),
            "identity-right": (self._right, "303"),
            "directory-search": (self._searches, "200"),
        }
        for name, (requests, status) in kinds.items():
            told = [self._beside_bare(requests(), status) for _ in range(ROUNDS)]
            name += "" if is_installed else "-one-process"
            note(
                f"{name} ({processes} processes): "
                + "; ".join(", ".join(f"{one['rate']:.0f}/s" for one in seen) for seen in told)
            )
            _tell(name, told, is_installed)

    def _beside_bare(self, requests: list[str], status: str) -> tuple[Told, Told, Told]:
        """The portal, then the bare page, then one whose view runs in a thread."""
        before = _processor_seconds(self._slapd.pid)
        told = self._asked(self._port, requests, status)
        told["slapd_ms"] = 1000 * (_processor_seconds(self._slapd.pid) - before) / told["requests"]
        port = free_port()
        with serving("bare", str(port), str(int(told["octets"]))):
            bare = [self._asked(port, _to(path, requests), "200") for path in ("/", "/threaded")]
        return told, bare[0], bare[1]

    def _asked(self, port: int, requests: list[str], status: str) -> Told:
        file = self._folder / "requests"
        file.write_text("".join(json.dumps(line) + "\n" for line in requests), "utf-8")
        command = [sys.executable, "-m", "tests.bench.clients", str(port), str(CONNECTIONS), str(SECONDS)]
        done = subprocess.run([*command, status, str(file)], stdout=subprocess.PIPE, text=True, check=True)
        told: Told = json.loads(done.stdout)
        return told

    # -- what is asked
    def _wrong(self) -> list[str]:
        sessions = [self._begun() for _ in range(CONNECTIONS)]
        return [self._identity(sessions[i % CONNECTIONS], right=False) for i in range(REQUESTS)]

    def _right(self) -> list[str]:
        return [self._identity(self._begun(), right=True) for _ in range(SESSIONS)]

    def _searches(self) -> list[str]:
        """Surname and given name, surname alone, the beginning of one: nobody asks what another one has asked."""
        made = []
        for _ in range(REQUESTS):
            self._searched += 1
            row = self._rows[self._searched * 31 % len(self._rows)]
            family, given = row[MAPPING["surname"]], row[MAPPING["given_names"]]
            text = (f"{family} {given}", f"{given} {family}", f"{family} {given[0]}")[self._searched % 3]
            made.append(self._request("GET", "/directory?" + urlencode({"name": text}), ""))
        return made

    def _begun(self) -> Browser:
        """A session that has accepted the policy."""
        browser = Browser(self._port)
        shown = browser.fill(browser.open("/activate"), accept="y")
        assert shown.path == "/activate/identity", shown
        return browser

    def _identity(self, browser: Browser, *, right: bool) -> str:
        row = self._chance.choice(self._rows)
        number = row[MAPPING["hkid"]] if right else _another(row[MAPPING["hkid"]])
        assert browser.page
        values = {**browser.page.hidden, "student_id": row[MAPPING["student_id"]], "number": number}
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        return self._request("POST", "/activate/identity", urlencode(values), f"Cookie: {cookie}\r\n")

    def _request(self, method: str, path: str, body: str, more: str = "") -> str:
        """From an address of its own, through the proxy."""
        address = ".".join(["10", *(str(self._chance.randrange(1, 255)) for _ in range(3))])
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address}\r\n"
        head += "Accept: text/html\r\nAccept-Encoding: gzip\r\nAccept-Language: en-GB,en;q=0.8\r\n" + more
        if body:
            head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        return f"{head}\r\n{body}"


def _tell(name: str, told: list[tuple[Told, Told, Told]], has_goal: bool) -> None:
    """The middle of the rounds. Ratios are of one and the same round."""

    def middle(what: Callable[[Told, Told, Told], float]) -> float:
        return statistics.median(what(*seen) for seen in told)

    figure(f"portal-{name}-rate", middle(lambda ours, _bare, _threaded: ours["rate"]), "requests/s")
    figure(f"portal-{name}-p50", middle(lambda ours, _bare, _threaded: ours["p50_ms"]), "ms")
    figure(f"portal-{name}-p99", middle(lambda ours, _bare, _threaded: ours["p99_ms"]), "ms")
    figure(f"portal-{name}-bare-p99", middle(lambda _ours, bare, _threaded: bare["p99_ms"]), "ms")
    figure(f"portal-{name}-slapd", middle(lambda ours, _bare, _threaded: ours["slapd_ms"]), "ms-of-processor")
    left = middle(lambda _ours, bare, _threaded: 1000 * PROCESSORS / (SLOWEST * bare["rate"]))
    figure(f"portal-{name}-goal-leaves", left, "ms-of-processor")  # to portal, slapd and clients together
    threads = middle(lambda ours, _bare, threaded: ours["rate"] / threaded["rate"])
    figure(f"portal-{name}-threaded", threads, "x-bare-in-a-thread")
    plain = middle(lambda ours, bare, _threaded: ours["rate"] / bare["rate"])
    figure(f"portal-{name}", plain, "x-bare", at_least(SLOWEST) if has_goal else None)


def _processor_seconds(pid: int | None) -> float:
    """That a process has used since it started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _to(path: str, requests: list[str]) -> list[str]:
    """The same requests for another page."""
    return [f"{line.split(' ')[0]} {path} {line.split(' ', 2)[2]}" for line in requests]


def _another(number: str) -> str:
    """Well-formed, and not this one."""
    body = f"{number[0]}{(int(number[1:7]) + 1) % 10**6:06}"
    return f"{body}({check_digit(body)})"
