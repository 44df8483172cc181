"""What mails there are, when they go out and to which address, and how one would read: `notices list`, `notices
preview`."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path
from typing import Annotated

import typer

from provisiond import correspondence
from provisiond.bootstrap import Parts
from provisiond.cli import screen
from provisiond.cli.options import Json
from provisiond.cli.session import errors, person, session
from provisiond.domain.delivery import with_ascii_domain
from provisiond.domain.model import Account, Notice, NoticeKind, NoticeStatus
from provisiond.domain.notices import TO_PERSONAL_MAIL
from provisiond.domain.policy import LifecyclePolicy
from provisiond.message import message
from provisiond.ports import Letter
from provisiond.specimens import Specimens

app = typer.Typer(help="The mails that people get.", no_args_is_help=True)

_OF_THE_BODY = frozenset({"MIME-Version", "Content-Type", "Content-Transfer-Encoding"})
WHEN = {
    NoticeKind.CREATED: "the account was made",
    NoticeKind.ACTIVATED: "the person activated it",
    NoticeKind.GRACE_BEGUN: "the registry recorded the completion",
    NoticeKind.EXPIRY_REMINDER: "{days} days before the expiry date",
    NoticeKind.EXPIRY: "on the morning of the expiry date",
    NoticeKind.ALUMNI: "the day after",
    NoticeKind.TERMINATED: "the registry recorded a withdrawal",
    NoticeKind.REINSTATED: "studies go on after an end or a completion",
    NoticeKind.EXTENDED: "`extend --until` moved the expiry date",
    NoticeKind.EXTENSION_REFUSED: "`extend --refuse`",
    NoticeKind.HOLD_SET: "`hold` locked the log-in",
    NoticeKind.HOLD_LIFTED: "the lock has ended",
    NoticeKind.PASSWORD_CHANGED: "the password was changed",
    NoticeKind.SECOND_FACTOR_CHANGED: "the second factor was changed",
    NoticeKind.RECOVERY_CODES_CHANGED: "new recovery codes were made",
    NoticeKind.RE_ENROLMENT_ISSUED: "two operators let the person enrol a new second factor",
    NoticeKind.ACTIVATION_CODE: "the portal asks for a code from the private address",
    NoticeKind.OPERATOR: "a brake tripped, a fetch was refused",
}


@app.command("list")
def listed(context: typer.Context, json: Json = False) -> None:
    """List the kinds of notices: when each goes out, to which address first, and whether an expiry waits for it."""
    with errors():
        policy = session(context).settings().policy.lifecycle
        rows = [_row(kind, policy) for kind in NoticeKind]
        if json:
            screen.as_json([dict(zip(("kind", "when", "to", "required"), row, strict=True)) for row in rows])
        else:
            screen.table("notices", ("kind", "when", "to", "required"), rows)


def _row(kind: NoticeKind, policy: LifecyclePolicy) -> tuple[str, str, str, str]:
    when = WHEN[kind].format(days=", ".join(map(str, policy.reminder_days)) or "no")
    to = "private" if kind in TO_PERSONAL_MAIL else "own"
    required = "an expiry waits for it" if kind in policy.required_notices else ""
    return kind.value, when, "operators" if kind is NoticeKind.OPERATOR else to, required


@app.command()
def preview(
    context: typer.Context,
    kind: NoticeKind,
    who: Annotated[
        str | None,
        typer.Argument(
            metavar="[PERSON]", help="A student ID, account name or mail address; none for `operator`."
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the mail's HTML to this file.")] = None,
    json: Json = False,
) -> None:
    """Show the very mail that a person gets: the one that is due, else as it would be if it fell due today."""
    if (who is None) is not (kind is NoticeKind.OPERATOR):
        raise typer.BadParameter("name a person; for `operator` name none")
    with errors(), session(context).parts(writes=False) as parts:
        notice, account = _due(parts, kind, who)
        letter = correspondence.letters(parts.settings, parts.clock, parts.ledger).letter(notice, account)
        headers = _headers(parts, letter, notice)
        if html:
            html.write_text(letter.html or "", "utf-8")
        if json:
            screen.as_json({"key": notice.key, "headers": headers, "text": letter.text, "html": letter.html})
            return
        screen.say("\n".join(f"{name}: {value}" for name, value in headers.items()))
        screen.say(f"\n{letter.text}")


def _headers(parts: Parts, letter: Letter, notice: Notice) -> dict[str, str]:
    """Of the message as the outbox would send it now; what of it is known where no mail server is configured."""
    mail, at = parts.settings.mail, parts.clock.now().astimezone(parts.settings.zone)
    if mail is None:
        return {"To": notice.to, "Subject": letter.subject}
    head = correspondence.letterhead(parts.settings, mail)
    octets = message(letter, head, with_ascii_domain(notice.to), head.message_id(notice.key), at)
    built = message_from_bytes(octets, policy=policy.default)
    return {name: str(value) for name, value in built.items() if name not in _OF_THE_BODY}


def _due(parts: Parts, kind: NoticeKind, who: str | None) -> tuple[Notice, Account | None]:
    account = person(parts, who) if who else None
    for item in reversed(account.outbox if account else ()):
        if item.notice.kind is kind and item.status is NoticeStatus.DUE:
            return item.notice, account
    screen.warn(f"no {kind} notice is due: this is how it would read if one fell due today")
    settings = parts.settings
    return Specimens(settings.policy, settings.zone, parts.clock.now()).of(kind, account)
