"""The coming months, rehearsed: everybody of today's ledger, a batch at a time, through the real rules on a moved
clock. Reads the ledger only, writes nothing anywhere. What becomes of a batch is domain/course's, of a day
agenda's."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from heapq import merge
from itertools import chain, groupby, islice
from multiprocessing import get_context
from operator import itemgetter

from provisiond.cycle import Progress
from provisiond.domain.agenda import Agenda
from provisiond.domain.course import Course, Span, completing_as_expected
from provisiond.domain.model import Account
from provisiond.domain.policy import Policy
from provisiond.ports import Ledger
from provisiond.spool import Spool
from provisiond.workset import PERSONS_A_BATCH

FEW_BATCHES = 4  # fewer are lived sooner than a process begins


@dataclass(frozen=True, slots=True)
class Assumed:
    """`mail`: every notice is accepted on its day; `expected_ends`: who studies completes on the expected date."""

    mail: bool = True
    expected_ends: bool = False

    def sentences(self) -> list[str]:
        mail = "every notice is accepted by a mail server on its day"
        return [
            mail if self.mail else "no mail server takes a notice (--no-mail)",
            "who studies completes on the expected date (--expected-ends)"
            if self.expected_ends
            else "the registry says no more than today; a status dated later takes effect on its day",
            "entries are as the ledger last left them; a held plan is approved on its day",
        ]


@dataclass(frozen=True, slots=True)
class Moved:
    """Of one person, what comes on another day: before and then (None: not in the time looked at)."""

    student_id: str
    account_name: str
    what: str
    before: date | None
    then: date | None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """`absent`, `parked`: records and persons of whom the registry says what the ledger does not know; `other`:
    under the other policy, and whose dates move."""

    span: Span
    agenda: Agenda
    population: int
    absent: int
    parked: int
    other: Agenda | None = None
    moved: Iterable[Sequence[Moved]] = ()


@dataclass(frozen=True, slots=True)
class Lived:
    """What becomes of one batch: under the present policy and the other one, and whose dates move."""

    present: Agenda
    other: Agenda
    moved: Sequence[Moved]
    persons: int


@dataclass(frozen=True, slots=True)
class Rules:
    """What a batch lives by; also in a process of its own."""

    span: Span
    policy: Policy
    other: Policy | None
    assumed: Assumed

    def lived(self, accounts: Sequence[Account], due_now: Collection[str]) -> Lived:
        before = self._course(accounts, due_now, self.policy)
        if self.other is None:
            return Lived(before.agenda, Agenda(), (), len(accounts))
        then = self._course(accounts, due_now, self.other)
        return Lived(before.agenda, then.agenda, list(_moved(accounts, before, then)), len(accounts))

    def _course(self, accounts: Sequence[Account], due_now: Collection[str], policy: Policy) -> Course:
        traced = self.other is not None
        course = Course(self.span, policy, self.policy, self.assumed.mail, Agenda(), traced)
        course.live(accounts, due_now)
        return course


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """With `other` a second policy beside the present one: then both look at everybody today, as `plan --all`.
    `processes`: how many live batches side by side, where there are more than a few."""

    ledger: Ledger
    span: Span
    policy: Policy
    other: Policy | None = None
    assumed: Assumed = Assumed()
    progress: Progress = field(default=lambda what, done, total: None)
    processes: int = 1
    persons_a_batch: int = PERSONS_A_BATCH

    def run(self) -> Rehearsed:
        present, other, done = Agenda(), Agenda(), 0
        moved: Spool[Sequence[Moved]] = Spool()
        for lived in self._lives():
            present.merge(lived.present)
            other.merge(lived.other)
            moved.add(lived.moved)
            done += lived.persons
            self.progress("rehearse", done, 0)
        population = self.ledger.population()
        self._judge(present, self.policy, population)
        if self.other:
            self._judge(other, self.other, population)
        absent = len(self.ledger.absences()) if (self.other or self.policy).lifecycle.absent_fetches else 0
        parked = len(self.ledger.parked())
        return Rehearsed(self.span, present, population, absent, parked, other if self.other else None, moved)

    def _lives(self) -> Iterator[Lived]:
        """In the order of student IDs, however many processes work."""
        rules = Rules(self.span, self.policy, self.other, self.assumed)
        tasks = ((self._loaded(batch), {who for who, now in batch if now}) for batch in self._batches())
        first = list(islice(tasks, FEW_BATCHES))
        if self.processes < 2 or len(first) < FEW_BATCHES:
            yield from (rules.lived(*task) for task in chain(first, tasks))
            return
        with ProcessPoolExecutor(self.processes, get_context("spawn")) as pool:
            waiting: deque[Future[Lived]] = deque()
            for task in chain(first, tasks):
                waiting.append(pool.submit(rules.lived, *task))
                if len(waiting) > 2 * self.processes:  # or the whole ledger would lie in the queue
                    yield waiting.popleft().result()
            yield from (future.result() for future in waiting)

    def _batches(self) -> Iterator[list[tuple[str, bool]]]:
        """Student IDs, ascending, and whether a cycle would look at them today. Who has no day to be looked at until
        the end is left out: to have a notice accepted changes nothing before that day."""
        ledger, span = self.ledger, self.span
        if self.other or self.assumed.expected_ends:
            found: Iterator[tuple[str, bool]] = ((who, True) for who in ledger.all_students())
        else:
            now = ((who, True) for who in ledger.due_students(span.today))
            later = ((who, False) for who in ledger.due_students(span.until))
            grouped = groupby(merge(now, later, key=itemgetter(0)), key=itemgetter(0))
            found = ((who, any(due for _, due in several)) for who, several in grouped)
        while batch := list(islice(found, self.persons_a_batch)):
            yield batch

    def _loaded(self, batch: Sequence[tuple[str, bool]]) -> list[Account]:
        accounts = self.ledger.load_students(who for who, _ in batch).values()
        if not self.assumed.expected_ends:
            return list(accounts)
        return [completing_as_expected(account, self.span.today) for account in accounts]

    def _judge(self, agenda: Agenda, policy: Policy, population: int) -> None:
        recent, operators = self.ledger.recent_weights, len(policy.operators)
        agenda.judge(self.span.instant, recent, population, policy.brakes, operators)


def _moved(accounts: Iterable[Account], before: Course, then: Course) -> Iterator[Moved]:
    for account in accounts:
        was = before.moments.get(account.person_id, {})
        will = then.moments.get(account.person_id, {})
        for what in dict.fromkeys((*was, *will)):
            if was.get(what) != will.get(what):
                yield Moved(account.student_id, account.account_name, what, was.get(what), will.get(what))
