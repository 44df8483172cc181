"""`status`: how the service is, in a few lines; the ledger's facts, and what the daemon says of itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, tzinfo
from typing import Any

import typer

from provisiond.adapters.monitor import portal_said, status_of
from provisiond.bootstrap_ledger import ledger_facts, ledger_leader
from provisiond.cli import screen
from provisiond.cli.options import Json
from provisiond.cli.session import errors, session
from provisiond.domain.model import State
from provisiond.ports import LedgerFacts
from provisiond.settings import Outline, Settings

Told = dict[str, Any]
NOT_WELL = 1


def status(context: typer.Context, json: Json = False) -> None:
    """How the service is. Exit 0: a daemon works and nothing is in its way, 1: not so."""
    with errors():
        settings, faults = session(context).outline()
        leader = ledger_leader(settings)
        told, facts = _daemon(settings), ledger_facts(settings)
        portal = _portal(settings)
        troubles = [*(f"the file as it is now: {fault}" for fault in faults), *_troubles(told)]
        if json:
            screen.as_json(
                {"faults": faults, "leader": leader, "daemon": told, "ledger": asdict(facts)}
                | {"portal": portal}
            )
        else:
            lines = {"daemon": str(leader) if leader else "none is running: `systemctl start provisiond`"}
            lines |= dict(_of_daemon(told, settings)) | dict(_of_ledger(facts, settings.zone))
            lines |= {"portal": portal} if portal else {}
            lines["trouble"] = "; ".join(troubles) or "none"
            for name, line in lines.items():
                screen.say(f"{name:<16}{line}", "bold red" if name == "trouble" and line != "none" else "")
        sys.exit(0 if leader and not troubles else NOT_WELL)


def _daemon(settings: Settings | Outline) -> Told | None:
    """What the daemon on this machine says of itself; None where none answers, or none was told where to."""
    listen = settings.monitoring.listen
    return status_of(listen) if listen else None


def _portal(settings: Settings | Outline) -> str | None:
    """Whether the portal of this machine answers, as a sentence; None where there is none."""
    portal = settings.portal.web if isinstance(settings, Settings) and settings.portal else None
    where = portal.monitor if portal else getattr(settings, "portal_monitor", None)
    if where is None:
        return "not known: portal.monitor names no place" if portal else None
    return portal_said(where)


def _of_daemon(told: Told | None, settings: Settings | Outline) -> Iterator[tuple[str, str]]:
    if told is None:
        where = settings.monitoring.listen
        why = f"nobody answers at {where}" if where else "it tells more where monitoring.listen says so"
        yield "doing", f"not known: {why}"
        yield "configuration", str(settings.path)
        return
    jobs = {job["name"]: job for job in told["jobs"]}
    doing = [f"{name}: {job['doing'] or 'at work'}" for name, job in jobs.items() if _is_at_work(job)]
    yield "doing", "; ".join(doing) or "idle"
    loaded = _at(told["configuration"]["loaded_at"], settings.zone)
    yield "configuration", f"{told['configuration']['path']}, loaded {loaded}"
    yield "last cycle", _at(jobs.get("poll", {}).get("succeeded_at"), settings.zone)


def _is_at_work(job: Told) -> bool:
    return bool(job["begun_at"]) and job["name"] not in ("lead", "lookout")


def _of_ledger(facts: LedgerFacts, zone: tzinfo) -> Iterator[tuple[str, str]]:
    fetched = [f"{source} {_at(at, zone)}" for source, at in sorted(facts.fetched_at.items())]
    yield "registries", "; ".join(fetched) or "never fetched"
    people = [f"{facts.accounts[state]} {state}" for state in State if facts.accounts.get(state)]
    yield "accounts", ", ".join(people) or "none"
    yield (
        "waiting",
        f"{facts.parked} parked, {facts.held_plans} held plans, {facts.rejections} rejected records",
    )
    oldest = f", the oldest since {_at(facts.oldest_waiting_at, zone)}" if facts.oldest_waiting_at else ""
    yield "outbox", f"{facts.waiting} notices to send{oldest}"
    yield "next milestone", facts.next_on.isoformat() if facts.next_on else "none"


def _troubles(told: Told | None) -> Iterator[str]:
    if told is None:
        return
    if told["configuration"]["refused"]:
        yield f"configuration refused, the old one counts: {told['configuration']['refused']}"
    yield from (f"{name} makes no progress" for name in told["stuck"])
    for job in told["jobs"]:
        if job["error"]:
            again = f", next try at {job['next_at'][11:19]} UTC" if job["next_at"] else ""
            yield f"{job['name']}: {job['error']} ({job['failures']} tries{again})"


def _at(instant: datetime | str | None, zone: tzinfo) -> str:
    if instant is None:
        return "never"
    at = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
