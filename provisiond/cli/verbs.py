"""Verbs that are imported when they are asked for: importing all of them, with all that stands behind, takes longer
than most of them work. Which there are, and where, is `main`'s."""

from __future__ import annotations

from collections import UserDict
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup


class Verbs(UserDict[str, Any]):
    """Name → command; until somebody looks, where it is in this package ("module:function" or "module:group")."""

    def __getitem__(self, name: str) -> Any:
        found = self.data[name]
        if isinstance(found, str):
            found = self.data[name] = _command(name, found)
        return found


class VerbGroup(TyperGroup):
    """Click's lazily loaded group on typer's own."""

    places: ClassVar[dict[str, str]]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = Verbs(self.places)

    def list_commands(self, context: Any) -> list[str]:
        return list(self.commands)


def _command(name: str, place: str) -> Any:
    """As typer makes it of a function or of a group."""
    module, _, attribute = place.partition(":")
    found, alone = getattr(import_module(f"{__package__}.{module}"), attribute), typer.Typer()
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:  # in one line, or lists of verbs break where the source does
        alone.command(name, help=" ".join((found.__doc__ or "").split()))(found)
    return typer.main.get_group(alone).commands[name]
