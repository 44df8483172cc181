"""Second factors at rest: who may open what, and what is said where nobody can."""

from __future__ import annotations

import pytest

from provisiond.adapters.vault import Vault
from provisiond.domain.errors import ConfigError, RejectedError

OLD, NEW = "00" * 32, "a1" * 32
WHERE = "portal.factor_key_file (factor.key)"
SECRET = b"JBSWY3DPEHPK3PXP"


def test_what_is_sealed_opens_and_shows_nothing() -> None:
    vault = Vault.of(f"{NEW}\n", WHERE)
    sealed = vault.seal(SECRET, "person-1")
    assert vault.open(sealed, "person-1") == SECRET
    assert SECRET not in sealed
    assert vault.seal(SECRET, "person-1") != sealed


def test_a_replaced_key_still_opens_and_the_first_one_seals() -> None:
    before = Vault.of(OLD, WHERE).seal(SECRET, "person-1")
    both = Vault.of(f"{NEW}\n\n{OLD.upper()}\n", WHERE)
    assert both.open(before, "person-1") == SECRET
    assert Vault.of(NEW, WHERE).open(both.seal(SECRET, "person-1"), "person-1") == SECRET


def test_a_missing_key_is_a_matter_of_the_configuration() -> None:
    sealed = Vault.of(OLD, WHERE).seal(SECRET, "person-1")
    with pytest.raises(ConfigError, match="put the former key back"):
        Vault.of(NEW, WHERE).open(sealed, "person-1")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"retired"])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(ConfigError):
        Vault.of(NEW, WHERE).open(sealed, "person-1")


def test_the_factor_of_one_person_is_not_that_of_another() -> None:
    vault = Vault.of(NEW, WHERE)
    with pytest.raises(RejectedError, match="enrol again"):
        vault.open(vault.seal(SECRET, "person-1"), "person-2")


@pytest.mark.parametrize("place", [5, 17, -1])
def test_what_was_changed_does_not_open(place: int) -> None:
    vault = Vault.of(NEW, WHERE)
    sealed = bytearray(vault.seal(SECRET, "person-1"))
    sealed[place] ^= 1
    with pytest.raises(RejectedError):
        vault.open(bytes(sealed), "person-1")


def test_what_was_cut_off_does_not_open() -> None:
    vault = Vault.of(NEW, WHERE)
    with pytest.raises(RejectedError):
        vault.open(vault.seal(SECRET, "person-1")[:9], "person-1")


def test_every_bad_line_of_the_file_is_told_without_its_words() -> None:
    with pytest.raises(ConfigError) as caught:
        Vault.of(f"{NEW}\nnot hexadecimal\n{OLD[:-2]}\n", WHERE)
    assert [fault.partition(";")[0] for fault in caught.value.faults] == [
        f"{WHERE}: line 2 is not in hexadecimal digits",
        f"{WHERE}: line 3 has 31 bytes, not 32",
    ]
    assert "not hexadecimal" not in str(caught.value)


def test_an_empty_file_is_told() -> None:
    with pytest.raises(ConfigError, match="holds no key"):
        Vault.of("\n", WHERE)


def test_a_vault_shows_no_key() -> None:
    assert NEW not in repr(Vault.of(NEW, WHERE))
