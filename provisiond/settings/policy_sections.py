"""The sections that become the domain's policy: names, lifecycle, entitlements, brakes.

Decides what does not fit together in them; each value by itself was judged by `sections`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from provisiond.domain.brakes import BRAKES
from provisiond.domain.model import Level, NoticeKind, State
from provisiond.domain.names import faults as name_faults
from provisiond.domain.policy import (
    BrakePolicy,
    Entitlement,
    LifecyclePolicy,
    Limit,
    NamePolicy,
    Window,
)
from provisiond.settings import sections as s
from provisiond.settings.notation import unknown
from provisiond.settings.parsing import Faults
from provisiond.settings.word_lists import RESERVED, UNFORTUNATE, words
from provisiond.shipped_files import shipped

SUFFIX_LENGTH = 3  # a popular name needs three letters or digits after at least one of its own


def names(section: s.Names, folder: Path, faults: Faults) -> NamePolicy:
    own = frozenset(word.lower() for word in section.reserved or ())
    given = {k: v for k, v in section.given().items() if not k.endswith("_file")}
    policy = NamePolicy(
        **given
        | {
            "reserved": own | _words("reserved_file", section.reserved_file, RESERVED, folder, faults),
            "unfortunate": _words("unfortunate_file", section.unfortunate_file, UNFORTUNATE, folder, faults),
        }
    )
    for sentence in name_faults(policy):
        faults.add("names", sentence)
    if policy.minimum_length <= policy.maximum_length <= SUFFIX_LENGTH:
        faults.add("names.maximum_length", f"leaves no room for a suffix; must be above {SUFFIX_LENGTH}")
    return policy


def _words(key: str, own: str | None, default: str, folder: Path, faults: Faults) -> frozenset[str]:
    path = folder / own if own else shipped(default)
    try:
        return words(path)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        faults.add(f"names.{key}", f"{path} cannot be read: {why}")
        return frozenset()


def lifecycle(section: s.Lifecycle, faults: Faults) -> LifecyclePolicy:
    default = LifecyclePolicy()
    months = dict(default.grace_months)
    if section.grace_months is not None:
        months = dict.fromkeys(Level, section.grace_months)
    for name, value in (section.grace_months_by_level or s.GraceByLevel()).given().items():
        months[Level[name.upper()]] = value
    given = section.given() | {"grace_months": months}
    policy = replace(default, **given)
    policy = replace(policy, reminder_days=tuple(sorted(set(policy.reminder_days), reverse=True)))
    _check_lifecycle(policy, faults)
    return policy


def _check_lifecycle(policy: LifecyclePolicy, faults: Faults) -> None:
    if sorted(policy.precedence) != sorted(Level):
        faults.add("lifecycle.precedence", f"must name each level once: {', '.join(Level)}")
    needed = NoticeKind.EXPIRY_REMINDER in policy.required_notices
    if needed and not policy.reminder_days:
        faults.add(
            "lifecycle.required_notices",
            "expiry-reminder is required but lifecycle.reminder_days is empty: no account would ever expire",
        )
    elif needed and max(policy.reminder_days) < policy.minimum_lead_days:
        faults.add(
            "lifecycle.minimum_lead_days",
            f"every expiry would move: the first reminder goes out {max(policy.reminder_days)} days before, "
            f"{policy.minimum_lead_days} days must pass after it",
        )
    for kind in sorted(policy.required_notices - {NoticeKind.GRACE_BEGUN, NoticeKind.EXPIRY_REMINDER}):
        faults.add(
            "lifecycle.required_notices",
            f"{kind} does not announce an expiry, none can wait for it; choose grace-begun, expiry-reminder",
        )


def entitlements(
    section: s.Entitlements | None, groups: Mapping[str, str], faults: Faults
) -> tuple[dict[State, Entitlement], dict[tuple[State, Level], Entitlement]]:
    """By state, and by state and level where a level has keys of its own: those it does not give are
    inherited from the state's table."""
    by_state: dict[State, Entitlement] = {}
    by_level: dict[tuple[State, Level], Entitlement] = {}
    for state in State if section else ():
        table: s.StateEntitlement = getattr(section, state.name.lower())
        by_state[state] = Entitlement(**table.given())
        _check_groups(f"entitlements.{state}", by_state[state].groups, groups, faults)
        for level in Level:
            own: s.LevelEntitlement | None = getattr(table, level.name.lower())
            if own:
                by_level[state, level] = replace(by_state[state], **own.given())
                _check_groups(f"entitlements.{state}.{level}", own.groups or (), groups, faults)
    _check_ended(by_state, by_level, faults)
    return by_state, by_level


def _check_groups(key: str, used: Iterable[str], groups: Mapping[str, str], faults: Faults) -> None:
    """A misspelt group would be a service nobody can reach."""
    for group in sorted(set(used) - groups.keys()):
        faults.add(f"{key}.groups", f"{unknown(group, groups)} (groups are listed in [groups])")


def _check_ended(
    by_state: Mapping[State, Entitlement],
    by_level: Mapping[tuple[State, Level], Entitlement],
    faults: Faults,
) -> None:
    terminated = {"terminated": by_state.get(State.TERMINATED)} | {
        f"terminated.{level}": earned
        for (state, level), earned in by_level.items()
        if state is State.TERMINATED
    }
    for name, earned in terminated.items():
        if earned and earned.login:
            faults.add(f"entitlements.{name}.login", "must be false: whoever was withdrawn has no access")


def brakes(section: s.Brakes, faults: Faults) -> BrakePolicy:
    default = BrakePolicy()
    limits = _limits(section, {name: getattr(default, name) for name in BRAKES})
    given = section.given() | (section.registry or s.RegistryBrake()).given()
    windows = tuple(
        Window(w.name, w.first, w.last, _limits(w, _ordinary(default, limits))) for w in section.windows or ()
    )
    for window in windows:
        if not window.limits:
            faults.add("brakes.windows", f"{window.name} gives no limit; add for example creations")
    return replace(default, **given | limits | {"windows": windows})


def _ordinary(default: BrakePolicy, own: Mapping[str, Limit]) -> dict[str, Limit]:
    """What a window's keys are laid over: the ordinary limits."""
    return {name: own.get(name, getattr(default, name)) for name in BRAKES}


def _limits(section: s.BrakeLimits, default: Mapping[str, Limit]) -> dict[str, Limit]:
    """Of the brakes that the section names."""
    named = {name: getattr(section, name) for name in BRAKES}
    return {name: replace(default[name], **limit.given()) for name, limit in named.items() if limit}
