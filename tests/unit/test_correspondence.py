"""What is made of [mail] for the outbox."""

from __future__ import annotations

from pathlib import Path

from provisiond.correspondence import letterhead
from provisiond.message import Letterhead
from provisiond.settings import load
from tests.unit.settings_file import write_secret, write_settings

MAIL = '\n[mail]\nhost = "localhost"\nsender = "accounts@example.edu"\n'


def head(folder: Path, key: str = "k" * 40) -> Letterhead:
    folder.mkdir(exist_ok=True)
    file = write_settings(folder)
    file.write_text(file.read_text() + MAIL)
    write_secret(folder / "digest-key", key)
    settings = load(file)
    assert settings.mail
    return letterhead(settings, settings.mail)


def test_a_message_id_is_the_notices_and_cannot_be_made_without_the_key(tmp_path: Path) -> None:
    """A person ID stands in the directory and the rest of a notice's key can be guessed: whoever could make a
    Message-ID of it could return a mail that never came back."""
    ours, again = head(tmp_path / "a"), head(tmp_path / "a")
    theirs = head(tmp_path / "b", "another key that is as long: 32 bytes and more")
    key = "p1:expiry:2025-10-31"
    assert ours.message_id(key) == again.message_id(key) != theirs.message_id(key)
    assert ours.message_id(key) != ours.message_id("p1:expiry:2025-11-01")
    assert ours.message_id(key).endswith("@example.edu>") and len(ours.message_id(key)) == 26 + 14
