"""The class of an error says who must react; the message names the cause and the next action."""

from __future__ import annotations


class ProvisiondError(Exception):
    """Root of all errors that provisiond raises on purpose. `exit_code` follows sysexits.h."""

    exit_code = 70


class ConfigError(ProvisiondError):
    """The operator must mend the configuration; holds every fault found, each with key and file."""

    exit_code = 78

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class UnavailableError(ProvisiondError):
    """A system (registry, directory, ledger, mail) does not answer as it must; tried again later. `lasts`: until
    somebody mends something here or there (a password, a schema), else it may pass by itself."""

    exit_code = 75

    def __init__(self, system: str, reason: str, *, lasts: bool = False) -> None:
        super().__init__(f"{system}: {reason}")
        self.system = system
        self.reason = reason
        self.lasts = lasts


class UnsafePlanError(ProvisiondError):
    """A brake tripped; an operator must look and approve `plan_hash`, or mend the cause."""

    exit_code = 65

    def __init__(self, message: str, plan_hash: str | None) -> None:
        super().__init__(message)
        self.plan_hash = plan_hash


class UnsafeFetchError(UnsafePlanError):
    """A whole fetch is refused: empty, truncated, shrunk, wrongly encoded … `plan_hash` is set only where
    an operator can approve it as it is (a shrunk but well-formed registry)."""


class RejectedError(ProvisiondError):
    """One subject cannot be served; all others go on."""

    exit_code = 65
