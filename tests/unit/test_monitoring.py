"""What is told to those who watch: when a daemon counts as healthy and ready, what its status says."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from provisiond.adapters.directory.watched import WatchedDirectory
from provisiond.domain.changes import Change, DeleteEntry, Join
from provisiond.domain.errors import UnavailableError
from provisiond.monitoring import Role
from provisiond.ports import Outcome, Refused, Surveyed, Unknown
from tests.rigs.directory import FakeDirectory
from tests.rigs.lives import a_person
from tests.rigs.watched import Watched, everything


@pytest.fixture(name="daemon")
def a_daemon() -> Watched:
    return Watched()


def value(daemon: Watched, metric: str) -> float | None:
    """Of the line that begins so."""
    found = re.search(rf"^{re.escape(metric)} (\S+)$", daemon.page("/metrics")[1], re.MULTILINE)
    return float(found[1]) if found else None


# -- healthy ---------------------------------------------------------------------------------------------
def test_a_daemon_at_rest_is_healthy(daemon: Watched) -> None:
    daemon.cycle()
    daemon.later(days=3)
    assert daemon.page("/healthz") == (200, "ok\n")


def test_a_job_without_progress_makes_it_ill_until_it_goes_on(daemon: Watched) -> None:
    daemon.pulse.begin("poll")
    daemon.later(minutes=16)
    status, text = daemon.page("/healthz")
    assert (status, text) == (503, "no progress: poll\n")
    assert value(daemon, 'provisiond_job_stuck{job="poll"}') == 1
    daemon.pulse.progress("poll", "decide 500")
    assert daemon.page("/healthz")[0] == 200


def test_a_clock_that_is_set_makes_nobody_ill(daemon: Watched) -> None:
    daemon.pulse.begin("poll")
    daemon.world.clock.at += timedelta(days=1)
    assert daemon.page("/healthz")[0] == 200


def test_a_system_that_is_away_is_no_illness_of_ours(daemon: Watched) -> None:
    daemon.ledger_is_away = True
    daemon.pulse.failed("poll", "directory: away", None)
    assert daemon.page("/healthz")[0] == 200


# -- ready -----------------------------------------------------------------------------------------------
def test_a_leader_is_ready_once_ledger_and_directory_answered(daemon: Watched) -> None:
    assert daemon.page("/readyz") == (503, "the directory was not asked yet\n")
    daemon.cycle()
    assert daemon.page("/readyz") == (200, "ok\n")


def test_one_that_stands_by_is_ready_and_one_that_starts_is_not(daemon: Watched) -> None:
    daemon.role = Role.STANDBY
    assert daemon.page("/readyz")[0] == 200
    daemon.role = Role.STARTING
    assert daemon.page("/readyz") == (503, "starting\n")


def test_readiness_is_lost_with_the_ledger_and_comes_back_with_it(daemon: Watched) -> None:
    daemon.cycle()
    daemon.ledger_is_away = True
    assert daemon.page("/readyz") == (503, "ledger did not answer\n")
    daemon.ledger_is_away = False
    daemon.later(seconds=6)
    assert daemon.page("/readyz")[0] == 200


def test_a_mail_server_may_be_away(daemon: Watched) -> None:
    daemon.cycle()
    daemon.metrics.looked("mail", reachable=False)
    assert daemon.page("/readyz")[0] == 200
    assert value(daemon, 'provisiond_reachable{system="mail"}') == 0
    daemon.metrics.after_delivery({"accepted": 3})
    assert value(daemon, 'provisiond_reachable{system="mail"}') == 1
    assert value(daemon, 'provisiond_mails_total{outcome="accepted"}') == 3


def test_readiness_is_lost_with_the_directory(daemon: Watched) -> None:
    class Away(FakeDirectory):
        def uid_numbers(self, first: int, last: int) -> frozenset[int]:
            raise UnavailableError("directory", "away")

    daemon.cycle()
    with pytest.raises(UnavailableError):
        WatchedDirectory(Away(), daemon.metrics).uid_numbers(1, 2)
    assert daemon.page("/readyz") == (503, "directory did not answer\n")
    assert value(daemon, 'provisiond_reachable{system="directory"}') == 0


# -- metrics ---------------------------------------------------------------------------------------------
def test_a_cycle_is_counted_by_kind_of_change(daemon: Watched) -> None:
    daemon.world.registry.put(a_person())
    daemon.cycle()
    assert value(daemon, 'provisiond_changes_total{kind="create",outcome="done"}') == 1
    assert value(daemon, "provisiond_persons_changed_total") == 1
    assert value(daemon, "provisiond_cycle_work_set") == 1
    assert value(daemon, 'provisiond_accounts{state="pending"}') == 1
    assert value(daemon, "provisiond_outbox_waiting") == 1
    assert value(daemon, "provisiond_cycle_timestamp_seconds") == daemon.world.clock.now().timestamp()
    assert value(daemon, 'provisiond_directory_seconds_count{operation="apply"}') == 1


def test_a_batch_counts_up_to_the_change_that_was_not_done(daemon: Watched) -> None:
    first, second, third = (Join(f"cn={n},ou=groups", "uid=x,ou=people") for n in "abc")
    gone = DeleteEntry("listing", "uid=x,ou=contacts", "p")

    class Answers(FakeDirectory):
        def apply(self, batches: object) -> list[Outcome]:
            return [Refused(second, 50, "no"), Unknown(gone, "lost")]

    batches: list[list[Change]] = [[first, second, third], [gone]]
    WatchedDirectory(Answers(), daemon.metrics).apply(batches)
    assert value(daemon, 'provisiond_changes_total{kind="join",outcome="done"}') == 1
    assert value(daemon, 'provisiond_changes_total{kind="join",outcome="refused"}') == 1
    assert value(daemon, 'provisiond_changes_total{kind="remove",outcome="unknown"}') == 1


def test_a_scan_that_breaks_off_tells_that_the_directory_is_away(daemon: Watched) -> None:
    class Breaks(FakeDirectory):
        def survey(self):  # type: ignore[no-untyped-def]
            yield Surveyed("uid=x", frozenset(), None, "")
            raise UnavailableError("directory", "cut")

    found = WatchedDirectory(Breaks(), daemon.metrics).survey()
    assert next(found).dn == "uid=x"
    assert daemon.metrics.systems() == {"directory": True}
    with pytest.raises(UnavailableError):
        next(found)
    assert daemon.metrics.systems() == {"directory": False}
    assert value(daemon, 'provisiond_directory_seconds_count{operation="survey"}') == 1


def test_metrics_are_told_also_when_the_ledger_does_not_answer(daemon: Watched) -> None:
    daemon.ledger_is_away = True
    status, text = daemon.page("/metrics")
    assert status == 200 and 'provisiond_reachable{system="ledger"} 0.0' in text
    assert "provisiond_parked" not in text


def test_the_ledger_is_asked_every_few_seconds_at_most(daemon: Watched) -> None:
    asked = []
    facts = daemon.monitoring.facts
    daemon.monitoring.facts = lambda: asked.append(1) or facts()  # type: ignore[func-returns-value]
    for _ in range(20):
        daemon.page("/metrics")
    assert len(asked) == 1
    daemon.later(seconds=6)
    daemon.page("/metrics")
    daemon.later(days=-1)
    daemon.page("/metrics")
    assert len(asked) == 3, "also after the clock was set back"


# -- status ----------------------------------------------------------------------------------------------
def test_status_tells_role_jobs_systems_and_the_ledger(daemon: Watched) -> None:
    daemon.world.registry.put(a_person())
    daemon.cycle()
    daemon.pulse.failed("outbox", "mail: refused <tai.man@example.net>", None)
    daemon.refused = "provisiond.toml: ledger: missing"
    told = json.loads(daemon.page("/status")[1])
    assert (told["role"], told["epoch"], told["systems"]["directory"]) == ("leader", 3, True)
    assert told["configuration"]["refused"] == "provisiond.toml: ledger: missing"
    poll, outbox = sorted(told["jobs"], key=lambda job: -len(job["name"]))[::-1]
    assert poll["succeeded_at"] and not poll["failures"]
    assert (outbox["failures"], outbox["error"]) == (1, "mail: refused <[address]>")
    assert told["ledger"]["accounts"] == {"pending": 1} and told["ledger"]["waiting"] == 1


def test_nothing_personal_is_told() -> None:
    daemon, person = everything(), a_person()
    account = daemon.world.account(person.student_id)
    pages = "".join(daemon.page(name)[1] for name in daemon.monitoring.pages())
    for secret in (account.account_name, person.surname, person.personal_mail, account.person_id):
        assert secret and secret not in pages
