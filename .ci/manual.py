"""Writes the manual pages: provisiond(1) from the commands' own help, provisiond.toml(5) from the shipped
configuration and its comments. Says nothing that they do not say."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import typer

from provisiond.cli.main import app

EXIT_CODES = {
    0: "done, or nothing due",
    1: "plan: something is due; audit: something differs",
    2: "the command line is wrong",
    65: "a brake holds, a fetch was refused, an order cannot be given",
    67: "no such person",
    75: "a system does not answer; tried again by the next cycle",
    78: "the configuration has faults; all are listed",
}
FILES = {
    "/etc/provisiond/provisiond.toml": "the configuration, provisiond.toml(5); another: --config, PROVISIOND_CONFIG",
    "/etc/provisiond/secrets": "one file for each secret, root's",
    "/var/lib/provisiond": "the ledger and the drop folder",
    "/usr/share/doc/provisiond": "operations.md: installation, messages and what to do; examples",
}


def escaped(text: str) -> str:
    """For roff: no line of ours is a request by accident, and a hyphen can be copied."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", text, flags=re.MULTILINE)


def title(name: str, section: int, what: str) -> Iterator[str]:
    yield f'.TH {name.upper()} {section} "" "provisiond {version("provisiond")}"'
    yield f".SH NAME\n{escaped(name)} \\- {escaped(what)}"


def listed(pairs: dict[Any, str]) -> Iterator[str]:
    for name, text in pairs.items():
        yield f".TP\n.B {escaped(str(name))}\n{escaped(text)}"


def command_page() -> Iterator[str]:
    root: Any = typer.main.get_command(app)
    yield from title("provisiond", 1, "network accounts for registered students")
    yield ".SH SYNOPSIS\n.B provisiond\n[\\fIoptions\\fR] \\fIcommand\\fR ..."
    yield f".SH DESCRIPTION\n{escaped(root.help or '')}"
    yield ".SH OPTIONS"
    yield from parameters(root)
    yield ".SH COMMANDS"
    yield from commands(root, ())
    yield ".SH EXIT STATUS"
    yield from listed(EXIT_CODES)
    yield ".SH FILES"
    yield from listed(FILES)
    yield ".SH SEE ALSO\n.BR provisiond.toml (5),\n.BR systemd.exec (5),\n.BR systemd\\-creds (1)"


def commands(group: Any, above: tuple[str, ...]) -> Iterator[str]:
    for name, command in group.commands.items():
        path = (*above, name)
        if hasattr(command, "commands"):
            yield from commands(command, path)
        else:
            yield f'.SS "{escaped(" ".join((*path, *arguments(command))))}"'
            yield escaped(re.sub(r"\s+", " ", command.help or "").strip())
            yield from parameters(command)


def arguments(command: Any) -> list[str]:
    names = [(p.metavar or p.name.upper(), p) for p in command.params if p.param_type_name == "argument"]
    names = [(f"{name}..." if p.nargs == -1 else name, p) for name, p in names]
    return [name if p.required else f"[{name}]" for name, p in names]


def parameters(command: Any) -> Iterator[str]:
    for found in command.params:
        if found.param_type_name == "argument":
            names, value = [found.metavar or found.name.upper()], ""
        else:
            names = [*found.opts, *found.secondary_opts]
            value = "" if found.is_flag else f" \\fI{escaped(found.name)}\\fR"
        if text := getattr(found, "help", None):
            yield f".TP\n\\fB{escaped(', '.join(names))}\\fR{value}\n{escaped(text)}"


def configuration_page(file: Path) -> Iterator[str]:
    """Comments become text; keys, commented out ones too, stay as they stand in the file."""
    yield from title("provisiond.toml", 5, "configuration of provisiond")
    yield ".SH DESCRIPTION"
    for kind, lines in groupby(file.read_text("utf-8").splitlines(), kind_of):
        text = list(lines)
        match kind:
            case "part":
                yield from (f".SH {escaped(line.strip('# -').upper())}" for line in text)
            case "text":
                yield ".PP\n" + "\n".join(escaped(line.removeprefix("#").strip()) for line in text)
            case "keys":
                yield ".PP\n.EX\n" + "\n".join(escaped(line.removeprefix("# ")) for line in text) + "\n.EE"
    yield ".SH SEE ALSO\n.BR provisiond (1)"


def kind_of(line: str) -> str:
    if not line.strip():
        return "nothing"
    if re.match(r"# -- .* -+$", line):
        return "part"
    return "text" if line.startswith("#") and not re.match(r"#\s+(\S*\s*=|\[|\(umask)", line) else "keys"


def main(which: str, *rest: str) -> None:
    page = command_page() if which == "command" else configuration_page(Path(rest[0]))
    sys.stdout.write("\n".join(page) + "\n")


main(*sys.argv[1:])
