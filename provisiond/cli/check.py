"""`check`: tries the configuration and every connection, and tells all faults at once. Its exit code says who must
react: 78 somebody who mends something, 65 somebody who looks at a registry, 75 nobody (servers are away)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from provisiond import administration, bootstrap, bootstrap_portal, correspondence
from provisiond.adapters.clock import SystemClock
from provisiond.cli import against as comparing
from provisiond.cli import screen
from provisiond.cli.portal_notes import portal_notes
from provisiond.cli.session import errors, session
from provisiond.domain.errors import ConfigError, ProvisiondError, UnavailableError
from provisiond.fetches import NothingRemembered
from provisiond.settings import Settings, load, load_portal


def check(
    context: typer.Context,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", help="A changed configuration: check that one, and show whom it would change."
        ),
    ] = None,
) -> None:
    """Try the configuration and every connection; list all faults at once. Exit 75: only servers are away."""
    with errors():
        present = session(context).settings()
        found = load(against) if against else present
        screen.say(f"ok  configuration {found.path}")
        faults = [
            *_tried("ledger", _check_ledger(present)),
            *_tried("directory", _check_directory(found)),
            *(_tried("mail", correspondence.mailer(found.mail).check()) if found.mail else ()),
            *(_tried("inbox", correspondence.inbox(found.inbox).check()) if found.inbox else ()),
            *_check_portal(found),
            *_tried("mail templates", [ConfigError([told]) for told in correspondence.letter_faults(found)]),
        ]
        if found.mail is None:
            screen.say(
                "note mail: no mail server is configured ([mail] host): nothing is sent, notices stay due"
            )
        if found.mail and found.inbox is None:
            screen.say(
                "note inbox: no mailbox is configured ([inbox] host): nobody hears of mails that come back"
            )
        for degradation in _degradations(found):
            screen.say(f"note directory: {degradation}")
        faults += _check_registries(found)
        if faults:
            _leave(faults)
        if against:
            sys.exit(comparing.compare(present, found))


def _tried(name: str, faults: Sequence[ProvisiondError]) -> Sequence[ProvisiondError]:
    screen.say(f"{'FAULT' if faults else 'ok '} {name}")
    return faults


def _check_registries(found: Settings) -> list[ProvisiondError]:
    faults: list[ProvisiondError] = []
    for registry in bootstrap.registries(found):
        try:
            fetch = registry.fetch(bootstrap.today(found), NothingRemembered())
            screen.say(f"ok  registry {registry.name}: {fetch.rows} rows, {len(fetch.rejections)} rejected")
        except ProvisiondError as error:
            screen.say(f"FAULT registry {registry.name}")
            faults.append(error)
    return faults


def _check_ledger(found: Settings) -> list[ProvisiondError]:
    try:
        administration.check_ledger(found)
    except ProvisiondError as error:
        return [error]
    return []


def _check_portal(found: Settings) -> Sequence[ProvisiondError]:
    """As the portal would start; where its secrets are not ours to read, it must be asked itself."""
    if found.portal is None:
        return ()
    notes = portal_notes(found.portal.rules, found.ledger, sends_mail=found.mail is not None)
    for note in notes:
        screen.say(f"note portal: {note}")
    if not found.portal.web.secrets.are_ours():
        screen.say("note portal: its secrets are not readable here; `provisiond portal --check` tries them")
        return ()
    try:
        with bootstrap_portal.opened(load_portal(found.path), SystemClock()) as opened:
            if not (faults := opened.faults()):
                opened.read_factors()
            return _tried("portal", faults)
    except ProvisiondError as error:
        return _tried("portal", [error])


def _check_directory(found: Settings) -> list[ProvisiondError]:
    try:
        with closing(bootstrap.ldap_directory(found)) as directory:
            return directory.check()
    except ProvisiondError as error:
        return [error]


def _degradations(found: Settings) -> list[str]:
    """What this directory makes us do with less. Where it cannot be asked, a fault says so."""
    try:
        with closing(bootstrap.ldap_directory(found)) as directory:
            return [degradation.value for degradation in directory.degradations()]
    except ProvisiondError:
        return []


def _leave(faults: Sequence[ProvisiondError]) -> None:
    """With all faults, and the exit code of the one that is most for people to mend."""
    told = [
        line
        for fault in faults
        for line in (fault.faults if isinstance(fault, ConfigError) else [str(fault)])
    ]
    codes = {78 if isinstance(f, UnavailableError) and f.lasts else f.exit_code for f in faults}
    if ConfigError.exit_code in codes:
        raise ConfigError(told)
    screen.fail("provisiond: the configuration is well; not at work as they must:")
    for line in told:
        screen.fail(f"  {line}")
    sys.exit(min(codes))
