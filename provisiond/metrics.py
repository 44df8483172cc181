"""What Prometheus is told: which numbers there are, their names and their help. On a registry of its own; where they
are fetched is the monitor's, what they mean for an operator config/monitoring/alerts.yml's."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, tzinfo
from importlib.metadata import version
from threading import Lock
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from provisiond.ports import Clock, LedgerFacts
from provisiond.pulse import Beat
from provisiond.result import Result

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OUTCOMES = ("accepted", "put_off", "readdressed", "refused", "given_up", "unknown", "dropped")
_DIRECTORY = (0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60)
_CYCLE = (0.1, 0.5, 2, 10, 60, 300, 1800, 7200)


class Metrics:
    """Thread-safe. Told by the parts as things happen, asked by the monitor."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.registry = on = CollectorRegistry()
        ProcessCollector(registry=on)
        build = Info("provisiond_build", "Version that runs", registry=on)
        build.info({"version": version("provisiond"), "python": platform.python_version()})
        self._cycles = Histogram(
            "provisiond_cycle_duration_seconds", "Whole cycles", buckets=_CYCLE, registry=on
        )
        self._applied = Counter(
            "provisiond_persons_changed", "Persons for whom something was done", registry=on
        )
        self._drifted = Counter("provisiond_drifted", "Persons whose entries others changed", registry=on)
        self._changes = Counter(
            "provisiond_changes", "Directory changes by kind and outcome", ("kind", "outcome"), registry=on
        )
        self._latency = Histogram(
            "provisiond_directory_seconds",
            "Its answers",
            ("operation",),
            buckets=_DIRECTORY,
            registry=on,
        )
        self._mails = Counter(
            "provisiond_mails", "Notices sent, or not, by outcome", ("outcome",), registry=on
        )
        for outcome in OUTCOMES:  # a rate needs a beginning
            self._mails.labels(outcome)
        self._systems: dict[str, bool] = {}
        self._last: tuple[Metric, ...] = tuple(of_cycle(None))
        self._lock = Lock()

    # -- told ------------------------------------------------------------------------------------------
    def after_cycle(self, result: Result) -> None:
        self._cycles.observe(max(0.0, (self._clock.now() - result.at).total_seconds()))
        self._applied.inc(result.applied)
        self._drifted.inc(len(result.drifted))
        self._last = tuple(of_cycle(result))

    def after_delivery(self, outcomes: Mapping[str, int]) -> None:
        """By `outbox.Delivered.counts`: a mail server answered."""
        self.looked("mail", reachable=True)
        for outcome, number in outcomes.items():
            self._mails.labels(outcome).inc(number)

    def asked(self, operation: str, seconds: float) -> None:
        self._latency.labels(operation).observe(seconds)

    def changed(self, kind: str, outcome: str) -> None:
        self._changes.labels(kind, outcome).inc()

    def looked(self, system: str, *, reachable: bool) -> None:
        with self._lock:
            self._systems[system] = reachable

    # -- asked -----------------------------------------------------------------------------------------
    def systems(self) -> dict[str, bool]:
        """Whether each answered when it was last asked."""
        with self._lock:
            return dict(self._systems)

    def text(self, *seen: Iterable[Metric]) -> bytes:
        """Everything, with what is `seen` just now; in the text format of Prometheus."""
        now = CollectorRegistry()
        now.register(_Seen([*self._last, *(metric for some in seen for metric in some)]))
        return generate_latest(self.registry) + generate_latest(now)


class _Seen(Collector):
    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def of_cycle(result: Result | None) -> Iterable[Metric]:
    """Of the last whole one; of those before there are counters."""
    refused = {refused.source: 1 for refused in result.refused} if result else {}
    absent = {one.source: len(one.student_ids) for one in result.absent} if result else {}
    yield _when(
        "provisiond_cycle_timestamp_seconds", "When the last whole cycle began", result.at if result else None
    )
    yield _one("provisiond_cycle_work_set", "Persons it looked at", result.looked_at if result else 0)
    yield _one("provisiond_cycle_failed", "Persons it could not serve", len(result.failed) if result else 0)
    yield _by("provisiond_fetch_refused", "1: the fetch was not believed, or did not come", "source", refused)
    yield _by("provisiond_absent_persons", "Persons whom the registry names no more", "source", absent)


def of_ledger(facts: LedgerFacts, zone: tzinfo) -> Iterable[Metric]:
    """`zone`: the university's, in which a day begins."""
    yield _by("provisiond_accounts", "Accounts by state", "state", facts.accounts)
    yield _one("provisiond_parked", "Persons who cannot be served now", facts.parked)
    yield _one("provisiond_rejected_records", "Records the registries must mend", facts.rejections)
    yield _one("provisiond_held_plans", "Plans that wait for an operator", facts.held_plans)
    yield _one("provisiond_outbox_waiting", "Notices that have not come to an end", facts.waiting)
    yield _by("provisiond_notices", "Notices by status", "status", facts.notices)
    yield _when(
        "provisiond_outbox_oldest_timestamp_seconds", "Oldest waiting notice", facts.oldest_waiting_at
    )
    milestone = datetime.combine(facts.next_on, time(), zone) if facts.next_on else None
    yield _when("provisiond_next_milestone_timestamp_seconds", "The earliest day anybody is due", milestone)
    fetched = {source: at.timestamp() for source, at in facts.fetched_at.items()}
    yield _by(
        "provisiond_registry_fetched_timestamp_seconds", "Last fetch that was believed", "source", fetched
    )


def of_jobs(beats: Sequence[Beat], stuck: Iterable[str]) -> Iterable[Metric]:
    failures = {beat.name: beat.failures for beat in beats}
    yield _by("provisiond_job_failures", "Failures of a job in a row", "job", failures)
    now = dict.fromkeys((beat.name for beat in beats), 0) | dict.fromkeys(stuck, 1)
    yield _by("provisiond_job_stuck", "1: a job makes no progress", "job", now)
    for what, told in (
        ("succeeded", {b.name: b.succeeded_at for b in beats}),
        ("next", {b.name: b.next_at for b in beats}),
    ):
        known = {name: at.timestamp() for name, at in told.items() if at}
        yield _by(f"provisiond_job_{what}_timestamp_seconds", f"When a job {_WORDS[what]}", "job", known)


_WORDS = {"succeeded": "last succeeded", "next": "comes next"}


def of_daemon(
    *, leads: bool, epoch: int | None, refused: bool, systems: Mapping[str, bool]
) -> Iterable[Metric]:
    yield _one("provisiond_leader", "1: this daemon leads", leads)
    if epoch is not None:
        yield _one("provisiond_epoch", "Of the leadership, as this daemon knows it", epoch)
    yield _one("provisiond_configuration_refused", "1: the file has faults, the old one is in use", refused)
    yield _by("provisiond_reachable", "Whether a system answered when last asked", "system", systems)


def _one(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=value)


def _when(name: str, told: str, at: datetime | None) -> Metric:
    """No line where there is no such instant."""
    return GaugeMetricFamily(name, told, value=at.timestamp()) if at else GaugeMetricFamily(name, told)


def _by(name: str, told: str, label: str, values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, told, labels=(label,))
    for value, number in values.items():
        family.add_metric((str(value),), number)
    return family
