"""Letters without templates, for tests of what happens to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from provisiond.domain.errors import ConfigError
from provisiond.domain.model import Account, Notice, NoticeKind
from provisiond.ports import Letter


@dataclass(slots=True)
class PlainLetters:
    """`unwritable`: kinds whose template is broken."""

    unwritable: set[NoticeKind] = field(default_factory=set)

    def letter(self, notice: Notice, account: Account | None) -> Letter:
        if notice.kind in self.unwritable:
            raise ConfigError([f"{notice.kind}.txt: 'expiry' is undefined"])
        name = account.account_name if account else "operators"
        text = f"Dear {name},\n\n.this is about {notice.kind} 通知 of {notice.due_on}.\n"
        return Letter(f"About {notice.kind} 通知", text, f"<p>{text}</p>")
