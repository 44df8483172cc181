"""The part of the fake ledger that knows what came back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from provisiond.adapters.ledger.chain import Happened
from provisiond.domain.model import NoticeStatus
from provisiond.ports import BadAddress, Bounce, Looked, ReturnedMail
from tests.rigs.posted import Posted

_DELIVERED = (NoticeStatus.ACCEPTED, NoticeStatus.UNKNOWN, NoticeStatus.GIVEN_UP)


@dataclass(slots=True)
class Bounced(Posted):
    folders: dict[str, Looked] = field(default_factory=dict)
    returned_mail: dict[ReturnedMail, datetime | None] = field(
        default_factory=dict
    )  # when they were put away
    bad: dict[str, BadAddress] = field(default_factory=dict)

    def looked(self, folder: str) -> Looked | None:
        return self.folders.get(folder)

    def look_on(self, folder: str, until: Looked) -> None:
        self.folders[folder] = until

    def take_returned(self, mail: ReturnedMail, bounces: Sequence[Bounce], at: datetime) -> int:
        if any(_place(known) == _place(mail) for known in self.returned_mail):
            return 0
        is_known = any(
            mail.message_id and known.message_id == mail.message_id for known in self.returned_mail
        )
        self.returned_mail[mail] = None
        return 0 if is_known else sum(self._returned(bounce, at) for bounce in bounces)

    def unfiled(self, folder: str, uid_validity: int) -> list[int]:
        mine = (mail for mail, filed_at in self.returned_mail.items() if filed_at is None)
        return sorted(mail.uid for mail in mine if _place(mail)[:2] == (folder, uid_validity))

    def file_returned(self, folder: str, uid_validity: int, uids: Iterable[int], at: datetime) -> None:
        places = {(folder, uid_validity, uid) for uid in uids}
        self.returned_mail.update({mail: at for mail in self.returned_mail if _place(mail) in places})

    def bad_addresses(self, since: datetime | None = None) -> list[BadAddress]:
        found = [bad for _, bad in sorted(self.bad.items()) if since is None or bad.at > since]
        return sorted(found, key=lambda bad: bad.at, reverse=True)

    def bad_among(self, addresses: Iterable[str], since: datetime) -> frozenset[str]:
        bad = {one.address.casefold() for one in self.bad_addresses(since)}
        return frozenset(address for address in addresses if address.casefold() in bad)

    def trust(self, addresses: Iterable[str], actor: str, reason: str, at: datetime) -> int:
        gone = [bad for a in set(addresses) if (bad := self.bad.pop(a.casefold(), None))]
        for one in gone:
            self._tell(Happened("address-trusted", one.person_id, at, actor, {}, reason))
        return len(gone)

    def retry(self, keys: Iterable[str], actor: str, reason: str, at: datetime) -> int:
        wanted = list(keys)
        self.trust([item.notice.to for item in self.notices(wanted)], actor, reason, at)
        return Posted.retry(self, wanted, actor, reason, at)

    def _purge_taken(self, before: datetime) -> int:
        kept = {mail: at for mail, at in self.returned_mail.items() if at is None or at >= before}
        gone, self.returned_mail = len(self.returned_mail) - len(kept), kept
        return gone

    def _returned(self, bounce: Bounce, at: datetime) -> int:
        item = self.items.get(bounce.key)
        if item is None or item.address != bounce.sent_to or item.status not in _DELIVERED:
            return 0
        self._change(
            item,
            status=NoticeStatus.DUE if bounce.goes_to else NoticeStatus.REFUSED,
            sent_to=bounce.goes_to or bounce.sent_to,
            reply=f"came back: {bounce.reply}",
            settled_at=None if bounce.goes_to else at,
            next_try_at=None,
            attempts=0,
            doubts=0,
        )
        person = item.notice.person_id
        self._call(person, at)
        self._tell(Happened("notice-returned", person, at, "inbox", {}))
        if bounce.is_lasting:
            marked = BadAddress(bounce.sent_to, bounce.reply, at, bounce.key, person)
            self.bad[bounce.sent_to.casefold()] = marked
        return 1


def _place(mail: ReturnedMail) -> tuple[str, int, int]:
    return mail.folder, mail.uid_validity, mail.uid
