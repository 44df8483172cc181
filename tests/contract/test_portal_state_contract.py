"""What ports.Sessions and ports.Throttle promise: on SQLite and PostgreSQL, by many portals and threads at once."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisiond.adapters.portal_state.sessions import SqlSessions
from provisiond.adapters.portal_state.store import Store
from provisiond.adapters.portal_state.throttle import SqlThrottle
from provisiond.domain.errors import UnavailableError
from provisiond.ports.short_memory import Attempted, Rate, Sessions, Throttle, WebSession
from tests.rigs.portal_states import KINDS, Opening, a_place, opened_at, opening

AT = datetime(2026, 11, 24, 4, tzinfo=UTC)
IDLE, OVER = timedelta(minutes=15), timedelta(hours=8)
SESSION = WebSession(
    "person-1", "member", {"language": "zh-Hant", "名": "陳"}, AT, AT, AT, AT, "Firefox/Android"
)
VISITOR = WebSession(None, "visitor", {}, AT, AT, None, None, None)
TEN = Rate("identity", 10, timedelta(minutes=5))
MANY = Rate("everyone", 200, timedelta(minutes=1))


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return a_place(request, tmp_path)


@pytest.fixture
def another(place: str) -> Iterator[Opening]:
    with opened_at(place) as another:
        yield another


@pytest.fixture
def sessions(another: Opening) -> Sessions:
    return of(another())


@pytest.fixture
def throttle(another: Opening) -> Throttle:
    return SqlThrottle(another(), {"person": timedelta(seconds=30)})


def of(store: Store) -> Sessions:
    return SqlSessions(store, idle_after=IDLE, lasts_for=OVER)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


# -- sessions --------------------------------------------------------------------------------------------
def test_a_session_is_the_same_for_every_portal(sessions: Sessions, another: Opening) -> None:
    sessions.keep("token", SESSION)
    assert of(another()).load("token", AT) == SESSION
    assert sessions.load("other", AT) is None


def test_who_reads_the_database_does_not_learn_a_token(place: str, sessions: Sessions) -> None:
    sessions.keep("a-token-to-look-for", SESSION)
    if not place.startswith("postgresql"):
        written = b"".join(path.read_bytes() for path in Path(place).parent.iterdir())
        assert b"person-1" in written
        assert b"a-token-to-look-for" not in written


def test_an_idle_session_is_none(sessions: Sessions) -> None:
    sessions.keep("token", SESSION)
    assert sessions.load("token", AT + IDLE) is None


def test_a_session_in_use_does_not_become_idle_and_ends_all_the_same(sessions: Sessions) -> None:
    sessions.keep("token", SESSION)
    for minute in range(10, 480, 10):
        assert sessions.load("token", AT + minutes(minute)) is not None
    assert sessions.load("token", AT + OVER) is None


def test_what_is_kept_again_is_what_is_found(sessions: Sessions) -> None:
    sessions.keep("token", VISITOR)
    later = replace(VISITOR, content={"asked": 1}, seen_at=AT + minutes(5))
    sessions.keep("token", later)
    assert sessions.load("token", AT + minutes(5)) == later


def test_a_replaced_token_is_void(sessions: Sessions) -> None:
    sessions.keep("visitor", VISITOR)
    sessions.keep("member", SESSION, replaces="visitor")
    assert sessions.load("visitor", AT) is None
    assert sessions.load("member", AT) == SESSION


def test_a_token_that_was_never_kept_may_be_replaced(sessions: Sessions) -> None:
    sessions.keep("member", SESSION, replaces="chosen by the browser")
    assert sessions.load("member", AT) == SESSION


def test_a_token_is_replaced_once(sessions: Sessions) -> None:
    sessions.keep("visitor", VISITOR)
    sessions.keep("first", SESSION, replaces="visitor")
    sessions.keep("second", SESSION, replaces="visitor")
    assert sessions.load("second", AT) is None


def test_an_ended_session_is_not_brought_back_by_a_request_that_was_under_way(sessions: Sessions) -> None:
    sessions.keep("token", SESSION)
    sessions.end("token")
    sessions.keep("token", SESSION)
    sessions.keep("rotated", SESSION, replaces="token")
    assert sessions.load("token", AT) is None
    assert sessions.load("rotated", AT) is None


def test_all_sessions_of_a_person_but_one_are_ended(sessions: Sessions) -> None:
    for token in ("one", "two", "three"):
        sessions.keep(token, SESSION)
    sessions.keep("theirs", replace(SESSION, person_id="person-2"))
    assert sessions.end_all("person-1", but="two") == 2
    left = [token for token in ("one", "two", "three", "theirs") if sessions.load(token, AT)]
    assert left == ["two", "theirs"]
    assert sessions.end_all("person-1") == 1


def test_a_person_is_told_where_they_are_logged_in(sessions: Sessions) -> None:
    """This place first, then what was used last; nothing that is idle, over, ended, half-way or another's."""
    since = replace(SESSION, entered_at=AT - minutes(70), device="Chrome/Windows")
    kept = {
        "first": replace(SESSION, seen_at=AT + minutes(9)),
        "this": since,
        "last": replace(SESSION, seen_at=AT + minutes(14), device="/"),
        "idle": replace(SESSION, seen_at=AT - minutes(10)),
        "over": replace(SESSION, begun_at=AT - OVER),
        "ended": SESSION,
        "half-way": replace(SESSION, stage="proven", entered_at=None, device=None),
        "theirs": replace(SESSION, person_id="person-2"),
    }
    for token, session in kept.items():
        sessions.keep(token, session)
    sessions.end("ended")
    found = sessions.logged_in("person-1", "this", AT + minutes(14))
    assert [(one.entered_at, one.seen_at, one.device, one.is_this) for one in found] == [
        (since.entered_at, AT, "Chrome/Windows", True),
        (AT, AT + minutes(14), "/", False),
        (AT, AT + minutes(9), "Firefox/Android", False),
    ]
    assert len({one.mark for one in found}) == 3
    assert not {one.mark for one in found} & set(kept)


def test_a_session_is_ended_by_its_mark_for_its_person_only(sessions: Sessions) -> None:
    """Once, and so that a request that was under way does not bring it back."""
    for token in ("one", "two"):
        sessions.keep(token, SESSION)
    mark = next(one.mark for one in sessions.logged_in("person-1", "one", AT) if not one.is_this)
    assert not sessions.end_marked("person-2", mark)
    assert sessions.load("two", AT) == SESSION
    assert sessions.end_marked("person-1", mark)
    assert not sessions.end_marked("person-1", mark)
    sessions.keep("rotated", SESSION, replaces="two")
    assert [bool(sessions.load(token, AT)) for token in ("one", "two", "rotated")] == [True, False, False]


def test_what_is_over_is_purged_and_what_was_ended_stays_as_long_as_it_could_have_lasted(
    sessions: Sessions,
) -> None:
    sessions.keep("idle", SESSION)
    sessions.keep("ended", SESSION)
    sessions.end("ended")
    sessions.keep("used", replace(SESSION, seen_at=AT + minutes(10)))
    assert sessions.purge(AT + IDLE) == 1
    sessions.keep("rotated", SESSION, replaces="ended")
    assert sessions.load("rotated", AT) is None
    assert sessions.load("used", AT + IDLE) is not None
    assert sessions.purge(AT + OVER) == 2


# -- rates -----------------------------------------------------------------------------------------------
def test_a_rate_admits_its_count_and_says_how_long_to_wait(throttle: Throttle) -> None:
    assert [throttle.admit([(TEN, "a")], AT) for _ in range(10)] == [None] * 10
    assert throttle.admit([(TEN, "a")], AT + minutes(2)) == minutes(3)
    assert throttle.admit([(TEN, "b")], AT + minutes(2)) is None
    assert throttle.admit([(TEN, "a")], AT + minutes(5)) is None


def test_nothing_counts_where_one_of_several_rates_refuses(throttle: Throttle) -> None:
    wanted = [(TEN, "a"), (MANY, "all")]
    for _ in range(10):
        assert throttle.admit(wanted, AT) is None
    for _ in range(MANY.count):
        assert throttle.admit(wanted, AT) == TEN.per
    assert throttle.admit([(MANY, "all")], AT) is None


def test_counts_survive_a_restart_and_are_shared(throttle: Throttle, another: Opening) -> None:
    for _ in range(10):
        throttle.admit([(TEN, "a")], AT)
    assert SqlThrottle(another()).admit([(TEN, "a")], AT) == TEN.per


def test_a_clock_that_was_set_back_refuses_nobody_for_longer_than_the_rate(throttle: Throttle) -> None:
    for _ in range(11):
        throttle.admit([(TEN, "a")], AT + timedelta(days=300))
    assert throttle.admit([(TEN, "a")], AT) is None


def test_two_processes_of_sixteen_threads_admit_together_what_the_rate_allows(place: str) -> None:
    opening(place).close()
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as processes:
        admitted = sum(processes.map(admitted_by_threads, [place, place]))
    assert admitted == TEN.count


def admitted_by_threads(place: str) -> int:
    """Of 64 tries by sixteen threads; each also writes a session."""
    with closing(opening(place)) as store, ThreadPoolExecutor(16) as threads:
        throttle, sessions = SqlThrottle(store), of(store)

        def attempt(number: int) -> bool:
            sessions.keep(f"token {number}", SESSION)
            assert sessions.load(f"token {number}", AT) == SESSION
            return throttle.admit([(MANY, "all"), (TEN, "a")], AT) is None

        return sum(threads.map(attempt, range(64)))


# -- pauses ----------------------------------------------------------------------------------------------
def test_pauses_grow_after_four_failures_up_to_the_longest_of_their_kind(throttle: Throttle) -> None:
    pauses = []
    for _ in range(12):
        throttle.failed(["person:a", "address:a"], AT)
        pauses.append((throttle.pause("person:a", AT).seconds, throttle.pause("address:a", AT).seconds))
    assert pauses[:6] == [(0, 0), (0, 0), (0, 0), (0, 0), (2, 2), (4, 4)]
    assert pauses[6:] == [(8, 8), (16, 16), (30, 32), (30, 64), (30, 128), (30, 256)]


def test_no_pause_is_longer_than_fifteen_minutes(throttle: Throttle) -> None:
    for _ in range(80):
        throttle.failed(["address:a"], AT)
    assert throttle.pause("address:a", AT) == minutes(15)


def test_a_pause_runs_out_and_other_keys_have_none(throttle: Throttle) -> None:
    for _ in range(6):
        throttle.failed(["address:a"], AT)
    assert throttle.pause("address:a", AT + timedelta(seconds=3)) == timedelta(seconds=1)
    assert throttle.pause("address:a", AT + timedelta(seconds=4)) == timedelta(0)
    assert throttle.pause("address:b", AT) == timedelta(0)


def test_a_success_and_a_day_make_failures_forgotten(throttle: Throttle) -> None:
    for _ in range(9):
        throttle.failed(["address:a", "address:b"], AT)
    throttle.succeeded(["address:a"])
    assert throttle.pause("address:a", AT) == timedelta(0)
    throttle.failed(["address:b"], AT + timedelta(days=1))
    assert throttle.pause("address:b", AT + timedelta(days=1)) == timedelta(0)


def test_a_clock_that_was_set_back_makes_no_pause_longer(throttle: Throttle) -> None:
    for _ in range(6):
        throttle.failed(["address:a"], AT + timedelta(days=300))
    assert throttle.pause("address:a", AT) == timedelta(seconds=4)


def test_failures_at_once_are_all_counted(throttle: Throttle) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: throttle.failed(["address:b", "address:a"], AT), range(8)))
    assert throttle.pause("address:a", AT) == timedelta(seconds=16)


# -- attempts --------------------------------------------------------------------------------------------
def test_an_attempt_is_a_failure_until_it_succeeds(throttle: Throttle) -> None:
    """… and counts under its rates: the fifth one in a row brings a pause, what is right ends it."""
    for _ in range(5):
        assert throttle.attempt("address:a", [(TEN, "a")], [], AT) == Attempted(None)
    paused = throttle.attempt("address:a", [(TEN, "a")], [], AT)
    assert paused == Attempted(timedelta(seconds=2))
    throttle.succeeded(["address:a"])
    assert throttle.pause("address:a", AT) == timedelta(0)


def test_an_attempt_that_must_wait_counts_nowhere(throttle: Throttle) -> None:
    watched = [(Rate("siege", 11, TEN.per), "w")]
    for n in range(10):
        throttle.attempt(f"address:{n}", [(TEN, "a")], watched, AT)
    assert throttle.attempt("address:b", [(TEN, "a"), (MANY, "all")], watched, AT).wait == TEN.per
    assert throttle.pause("address:b", AT) == timedelta(0)
    assert [throttle.admit(watched, AT) for _ in range(2)] == [None, TEN.per]


def test_what_is_watched_keeps_nobody_out(throttle: Throttle) -> None:
    tried = [throttle.attempt(f"address:{n}", [(MANY, "all")], [(TEN, "p")], AT) for n in range(12)]
    assert tried == [Attempted(None)] * 10 + [Attempted(None, beyond=True)] * 2
    later = throttle.attempt("address:a", [(MANY, "all")], [(TEN, "p")], AT + TEN.per)
    assert later == Attempted(None)


def test_of_attempts_at_once_no_more_go_on_than_pauses_allow(throttle: Throttle) -> None:
    with ThreadPoolExecutor(16) as threads:
        tried = threads.map(lambda _: throttle.attempt("address:a", [(MANY, "a")], [], AT), range(16))
        assert sum(one.wait is None for one in tried) == 5


def test_counts_and_failures_that_are_over_are_purged(throttle: Throttle) -> None:
    throttle.admit([(TEN, "a"), (MANY, "all")], AT)
    throttle.failed(["address:a"], AT)
    assert throttle.purge(AT + MANY.per) == 1
    assert throttle.purge(AT + timedelta(days=1)) == 2


# -- where it lies ---------------------------------------------------------------------------------------
def test_tables_of_another_shape_are_made_anew(another: Opening) -> None:
    store = another()
    sessions = of(store)
    sessions.keep("token", SESSION)
    with store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE portal_session ADD COLUMN colour INTEGER")
        connection.exec_driver_sql("UPDATE portal_state_shape SET digest = 'of an earlier version'")
    again = of(another())
    assert again.load("token", AT) is None
    again.keep("token", SESSION)
    assert of(another()).load("token", AT) == SESSION


def test_every_process_knows_the_tables_of_the_others() -> None:
    """Whatever order it keeps sets in: one that took another's tables for strange would drop them."""
    command = "from provisiond.adapters.portal_state.tables import shape_of_this_code as s; print(s())"
    told = {
        subprocess.run(
            [sys.executable, "-c", command],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3", "4")
    }
    assert len(told) == 1


def test_a_file_is_readable_to_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "state" / "portal.sqlite"
    with closing(Store.in_file(path)) as store:
        of(store).keep("token", SESSION)
        assert {each.stat().st_mode & 0o077 for each in path.parent.iterdir()} == {0}


def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "portal.sqlite"
    path.write_bytes(b"this is not a database, however long one looks at it" * 100)
    with pytest.raises(UnavailableError, match="delete it") as caught:
        Store.in_file(path)
    assert caught.value.system == "portal state"


def test_a_database_that_is_away_is_told(another: Opening) -> None:
    store = another()
    with store.write() as connection:
        connection.exec_driver_sql("DROP TABLE portal_failure")
    with pytest.raises(UnavailableError, match="portal state"):
        SqlThrottle(store).pause("address:a", AT)
