"""The ledger's part on mails in SQL, one transaction a method: the outbox, and what came back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from provisiond.adapters.ledger import outbox, returned, sending
from provisiond.adapters.ledger.connection import Database
from provisiond.domain.model import Notice, NoticeStatus, OutboxItem
from provisiond.ports import Answer, BadAddress, Bounce, Looked, ReturnedMail, Sending


class SqlPosting:
    """ports.Posting."""

    _db: Database
    _turns = 0  # between two mails

    # -- outbox ----------------------------------------------------------------------------------------
    def outbox(self, status: NoticeStatus | None = None) -> list[OutboxItem]:
        with self._db.read() as connection:
            return outbox.items(connection, status)

    def settle(self, keys: Iterable[str], status: NoticeStatus, reply: str, actor: str, at: datetime) -> int:
        with self._db.write() as connection:
            sending.tell(connection, at)
            return outbox.settle(connection, keys, status, reply, actor, at)

    def notices(self, keys: Iterable[str]) -> list[OutboxItem]:
        with self._db.read() as connection:
            return outbox.with_keys(connection, keys)

    def sent_as(self, message_id: str) -> OutboxItem | None:
        with self._db.read() as connection:
            return outbox.sent_as(connection, message_id)

    def notify(self, notices: Iterable[Notice], at: datetime) -> int:
        with self._db.write() as connection:
            return outbox.add(connection, notices, at)

    def claim(self, at: datetime, limit: int, longest: timedelta) -> list[OutboxItem]:
        with self._db.read() as connection:
            unfinished = sending.is_unfinished(connection)
        if unfinished:
            with self._db.write() as connection:
                sending.finish(connection, at)
        with self._db.read() as connection:
            return sending.ready(connection, at, limit, longest)

    def turn(self, answer: Answer | None, following: Sending | None, at: datetime) -> bool:
        self._turns += 1
        synced = following is None or self._turns % sending.SYNCED_EVERY == 0
        with self._db.write(synced=synced) as connection:
            return sending.turn(connection, answer, following, at)

    def tried_between(self, after: datetime, until: datetime) -> int:
        with self._db.read() as connection:
            return sending.tried_between(connection, after, until)

    def retry(self, keys: Iterable[str], actor: str, reason: str, at: datetime) -> int:
        with self._db.write() as connection:
            wanted = outbox.with_keys(connection, keys)
            addresses = [item.notice.to for item in wanted]
            returned.trust(connection, addresses, actor, reason, at)
            sending.tell(connection, at)
            return sending.retry(connection, (i.notice.key for i in wanted), actor, reason, at)

    def drop(self, keys: Iterable[str], actor: str, reason: str, at: datetime) -> int:
        with self._db.write() as connection:
            sending.tell(connection, at)
            return sending.drop(connection, keys, actor, reason, at)

    # -- returned mail ---------------------------------------------------------------------------------
    def looked(self, folder: str) -> Looked | None:
        with self._db.read() as connection:
            return returned.looked(connection, folder)

    def look_on(self, folder: str, until: Looked) -> None:
        with self._db.write() as connection:
            returned.look_on(connection, folder, until)

    def take_returned(self, mail: ReturnedMail, bounces: Sequence[Bounce], at: datetime) -> int:
        with self._db.write() as connection:
            sending.tell(connection, at)
            return returned.take(connection, mail, bounces, at)

    def unfiled(self, folder: str, uid_validity: int) -> list[int]:
        with self._db.read() as connection:
            return returned.unfiled(connection, folder, uid_validity)

    def file_returned(self, folder: str, uid_validity: int, uids: Iterable[int], at: datetime) -> None:
        with self._db.write() as connection:
            returned.file(connection, folder, uid_validity, uids, at)

    def bad_addresses(self, since: datetime | None = None) -> list[BadAddress]:
        with self._db.read() as connection:
            return returned.bad_addresses(connection, since)

    def bad_among(self, addresses: Iterable[str], since: datetime) -> frozenset[str]:
        with self._db.read() as connection:
            return returned.bad_among(connection, addresses, since)

    def trust(self, addresses: Iterable[str], actor: str, reason: str, at: datetime) -> int:
        with self._db.write() as connection:
            return returned.trust(connection, addresses, actor, reason, at)
