"""Where secrets come from: files that only their owner can read, or systemd credentials.

Decides what makes a secret file acceptable; whoever needs the secret decides when it is read."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from provisiond.domain.errors import ConfigError

CREDENTIAL = "credential:"
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
_LONG_NAME = 24  # characters: a secret is longer, a file's name seldom


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A secret that may be read later; `key` is what faults name (file and dotted key)."""

    key: str
    path: Path
    is_credential: bool = False

    def read(self) -> str:
        """The file's text without blanks and line ends around it. Raises ConfigError."""
        try:
            if fault := self._permission_fault():
                raise ConfigError([f"{self.key}: {fault}"])
            text = self.path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError([f"{self.key}: {self._cannot_read(error)}"]) from error
        if not text:
            raise ConfigError([f"{self.key}: {self.path} is empty; write the secret into it"])
        return text

    def _permission_fault(self) -> str | None:
        """systemd guards credentials by access lists, which show as group bits: those are not judged."""
        mode = self.path.stat().st_mode
        if self.is_credential or not mode & (stat.S_IRWXG | stat.S_IRWXO):
            return None
        return f"{self.path} can be read by others than its owner (mode {mode & 0o777:o}); chmod 600 it"

    def _may_be_the_secret(self) -> bool:
        return not self.is_credential and (len(self.path.name) > _LONG_NAME or not self.path.parent.is_dir())

    def _cannot_read(self, error: OSError | UnicodeDecodeError) -> str:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        if self.is_credential and not os.environ.get("CREDENTIALS_DIRECTORY"):
            why = "$CREDENTIALS_DIRECTORY is not set; use LoadCredential= in the systemd unit"
        elif isinstance(error, OSError) and error.errno in _NOT_THERE and self._may_be_the_secret():
            return f"the secret file it names is not there ({why}). Not shown: it may be the secret itself"
        return f"secret file {self.path} cannot be read: {why}"


def secret_file(key: str, text: str, folder: Path) -> SecretFile:
    """`text` is a path, relative to `folder`, or `credential:NAME` for a systemd credential."""
    if text.startswith(CREDENTIAL):
        directory = Path(os.environ.get("CREDENTIALS_DIRECTORY") or "$CREDENTIALS_DIRECTORY")
        return SecretFile(key, directory / text.removeprefix(CREDENTIAL), is_credential=True)
    return SecretFile(key, folder / text)
