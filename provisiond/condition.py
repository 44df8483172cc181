"""How the daemon is, in words: for the service manager, the log and `provisiond status`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from provisiond.domain.errors import ConfigError
from provisiond.pulse import Beat
from provisiond.settings import Settings

IN_THE_BACKGROUND = ("lead", "lookout", "missed")  # told only when they are in trouble


@dataclass(frozen=True, slots=True)
class Configuration:
    """Which one is in use, and what was wrong with one that was refused since."""

    settings: Settings
    loaded_at: datetime
    refused_at: datetime | None = None
    faults: tuple[str, ...] = ()

    def again(self, load: Callable[[], Settings], at: datetime) -> Configuration:
        """The file as it is now, whole, or this one with what is wrong with the file."""
        try:
            found = load()
        except ConfigError as error:
            return replace(self, refused_at=at, faults=tuple(error.faults))
        if faults := tuple(f"{found.path}: {key}: a change needs a restart" for key in self._fixed(found)):
            return replace(self, refused_at=at, faults=faults)
        return Configuration(found, at)

    def _fixed(self, found: Settings) -> list[str]:
        """Keys that are not what they were, and are looked at in the beginning only."""
        now = self.settings
        pairs = {
            "ledger": (now.ledger.url, found.ledger.url),
            "monitoring.listen": (now.monitoring.listen, found.monitoring.listen),
        }
        return [key for key, (before, after) in pairs.items() if before != after]


def in_one_line(beats: Sequence[Beat], configuration: Configuration, outlook: str) -> str:
    """The most pressing first."""
    told = [f"configuration refused: {configuration.faults[0]}"] if configuration.faults else []
    told += [trouble(beat) for beat in beats if beat.error]
    told += [f"{beat.name}: {beat.doing or 'at work'}" for beat in beats if _is_at_work(beat)]
    return "; ".join(told or [outlook])


def trouble(beat: Beat) -> str:
    tries = f"{beat.failures} tries" if beat.failures > 1 else "1 try"
    again = f", the next at {beat.next_at:%H:%M:%S} UTC" if beat.next_at else ""
    return f"{beat.name} in trouble ({tries}{again}): {beat.error}"


def outlook(next_poll_at: datetime | None, due_next: date | None) -> str:
    """`next_poll_at`: in the zone in which it is to be told."""
    look = f", next look at {next_poll_at:%H:%M}" if next_poll_at else ""
    return f"idle{look}" + (f", next milestone on {due_next}" if due_next else "")


def _is_at_work(beat: Beat) -> bool:
    return beat.begun_at is not None and beat.name not in IN_THE_BACKGROUND
