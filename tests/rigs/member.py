"""A student of a campus who has activated the account, and what they do in a browser without a screen."""

from __future__ import annotations

import secrets
from base64 import b32encode
from dataclasses import dataclass, field
from datetime import timedelta

import pyotp

from provisiond.domain.model import Account, RegistryRecord
from provisiond.portal.activation.recovery import code_set, new_codes
from tests.rigs.campus_portal import Campus, a_student
from tests.rigs.visitor import Seen, Visitor

PASSWORD = "violet anchor seldom ripens"


@dataclass
class Member:
    """`secret`: what the phone knows; `codes`: recovery codes that were not used."""

    campus: Campus
    person_id: str
    name: str
    password: str = PASSWORD
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(20))
    codes: list[str] = field(default_factory=lambda: list(new_codes()))

    @property
    def account(self) -> Account:
        found = self.campus.portal_ledger.account(self.person_id)
        assert found is not None
        return found

    @property
    def code(self) -> str:
        """What the phone shows at this moment."""
        at = self.campus.world.clock.now()
        return pyotp.TOTP(b32encode(self.secret).decode()).at(at)

    def next_code(self) -> str:
        """Half a minute later."""
        self.campus.sleep(timedelta(seconds=30))
        return self.code

    def events(self) -> list[str]:
        return [line.event for line in self.campus.portal_ledger.history(self.person_id)]

    def logged_in(self, visitor: Visitor) -> Seen:
        """By password and the next code."""
        page = visitor.get("/login")
        return visitor.fill(page, name=self.name, password=self.password, code=self.next_code())

    def confirmed(self, visitor: Visitor, page: Seen) -> Seen:
        """What /account/confirm asks for."""
        return visitor.fill(page, form=1, password=self.password, code=self.next_code())


def activated(campus: Campus, record: RegistryRecord) -> Member:
    """With a password, a confirmed second factor and recovery codes; the daemon has made the listing."""
    campus.enrol(record)
    desk, ledger = campus.desk, campus.portal_ledger
    account = campus.world.ledger.find(record.student_id)
    assert account is not None
    made = Member(campus, account.person_id, account.account_name)
    assert desk.directory.set_password(made.person_id, made.password) is None
    desk.directory.put_token(made.person_id, made.secret)
    at = campus.world.clock.now()
    begun = ledger.begin_factor(made.person_id, desk.vault.seal(made.secret, made.person_id), at)
    kept, terms = code_set(made.codes, at), (desk.rules.terms_version, at)
    assert ledger.complete_activation(made.person_id, begun.id, int(at.timestamp()) // 30, kept, terms, at)
    campus.world.cycle()
    return made


def activated_elsewhere(place: Campus, password: str) -> None:
    """Student 20000001: active by an operator, with that password and without a phone; an hour ago."""
    place.enrol(a_student(personal_mail="taiman@example.org"))
    account = place.world.account("20000001")
    assert place.desk.directory.set_password(account.person_id, password) is None
    place.world.ledger.activate(account.person_id, "operator", place.world.clock.now())
    place.world.cycle()
    place.sleep(timedelta(hours=1))
