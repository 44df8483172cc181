"""What the shell around the core asks of the world. Adapters raise only the errors of domain/errors.py,
`from` the library's. One contract suite per port runs on the fake and on the real adapter (tests/contract).
"""

from __future__ import annotations

from provisiond.ports.directory import (
    Directory,
    Done,
    Drift,
    Kind,
    Marked,
    Outcome,
    Refused,
    Sighting,
    Surveyed,
    Unknown,
)
from provisiond.ports.facts import (
    WAITING,
    AccountFilter,
    Answer,
    BadAddress,
    Bounce,
    HeldPlan,
    HistoryLine,
    LedgerFacts,
    Looked,
    RecordKey,
    ReturnedMail,
    Sending,
)
from provisiond.ports.ledger import Ledger
from provisiond.ports.mail import (
    Delivery,
    DeliveryOutcome,
    Inbox,
    InboxFolder,
    Letter,
    Letters,
    MailBatch,
    Mailer,
)
from provisiond.ports.posting import Posting
from provisiond.ports.registry import FetchMark, FetchMemory, Registry
from provisiond.ports.world import Clock, Guard, unguarded

__all__ = [
    "WAITING",
    "AccountFilter",
    "Answer",
    "BadAddress",
    "Bounce",
    "Clock",
    "Delivery",
    "DeliveryOutcome",
    "Directory",
    "Done",
    "Drift",
    "FetchMark",
    "FetchMemory",
    "Guard",
    "HeldPlan",
    "HistoryLine",
    "Inbox",
    "InboxFolder",
    "Kind",
    "Ledger",
    "LedgerFacts",
    "Letter",
    "Letters",
    "Looked",
    "MailBatch",
    "Mailer",
    "Marked",
    "Outcome",
    "Posting",
    "RecordKey",
    "Refused",
    "Registry",
    "ReturnedMail",
    "Sending",
    "Sighting",
    "Surveyed",
    "Unknown",
    "unguarded",
]
