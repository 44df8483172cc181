"""Jinja2: finds the templates of mails (the administrator's before the shipped ones), renders them in a sandbox, and
says of a broken one which file, line and variable. What the words mean is letters'.

A template is a text (KIND.txt) and, beside it, the same as HTML; both of one folder, so that they say the same."""

from __future__ import annotations

import re
import traceback
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, nodes
from jinja2.exceptions import TemplateError, TemplateNotFound, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from provisiond.domain.errors import ConfigError
from provisiond.domain.model import Language, NoticeKind
from provisiond.ports import Letter

SUFFIX = {Language.ENGLISH: "en", Language.CHINESE: "zh"}
SHARED = frozenset({"layout.txt", "layout.html", "parts.html"})
_OF_JINJA = frozenset({"loop", "self", "super", "caller", "varargs", "kwargs", "languages"})
_BLANK_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")


class JinjaTemplates:
    """letters.Templates. Templates are read once, when they are first used."""

    def __init__(self, own: Path | None, shipped: Path) -> None:
        self._own, self._folders = own, [folder for folder in (own, shipped) if folder]
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(self._folders),
            undefined=StrictUndefined,
            autoescape=lambda name: name is not None and name.endswith(".html"),
            finalize=_present,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

    def rendered(
        self, kind: NoticeKind, languages: tuple[Language, ...], words: Mapping[str, object]
    ) -> Letter:
        text = self._template(f"{kind}.txt")
        html = self._template(f"{kind}.html") if self._has_html(kind) else None
        for template in filter(None, (text, html)):
            self._require_blocks(template, languages)
        given = {**words, "languages": [str(language) for language in languages]}
        return Letter(
            subject=" | ".join(self._subject(text, SUFFIX[language], given) for language in languages),
            text=self._body(text, given),
            html=self._body(html, given) if html else None,
        )

    def faults(self, words: Collection[str]) -> list[str]:
        """What is wrong in any branch of any template: syntax, and variables that are none of `words`."""
        found: list[str] = []
        for name in sorted({*SHARED, *(f"{kind}.{form}" for kind in NoticeKind for form in ("txt", "html"))}):
            try:
                found += self._unknown_words(name, frozenset(words))
            except ConfigError as error:
                found += error.faults
        return found + self._strangers()

    def _strangers(self) -> list[str]:
        """Files of the administrator's that nothing would ever use: a misspelt kind, HTML without its text."""
        known = {f"{kind}.{form}" for kind in NoticeKind for form in ("txt", "html")} | SHARED
        found = []
        for path in sorted(self._own.glob("*")) if self._own else ():
            if path.suffix in (".txt", ".html") and path.name not in known:
                found.append(f"{path}: no mail is called so; there are {', '.join(NoticeKind)}")
            if path.suffix == ".html" and path.name not in SHARED and not path.with_suffix(".txt").exists():
                found.append(f"{path}: needs {path.stem}.txt beside it, so that both say the same")
        return found

    # -- rendering ---------------------------------------------------------------------------------------
    def _has_html(self, kind: NoticeKind) -> bool:
        """That of the folder the text comes from."""
        own = self._own and (self._own / f"{kind}.txt").exists()
        folder = self._own if own and self._own else self._folders[-1]
        return (folder / f"{kind}.html").exists()

    def _template(self, name: str) -> Template:
        with self._told(name):
            return self._environment.get_template(name)

    def _require_blocks(self, template: Template, languages: tuple[Language, ...]) -> None:
        """A block that is missing would be a blank."""
        name = str(template.filename)
        for suffix in (SUFFIX[language] for language in languages):
            for block in (suffix, f"subject_{suffix}") if name.endswith(".txt") else (suffix,):
                if block not in template.blocks:
                    raise ConfigError([f"{name}: has no {{% block {block} %}}"])

    def _subject(self, template: Template, suffix: str, words: Mapping[str, object]) -> str:
        """One line whatever stands in it: a name with a line break must not become a header."""
        name = f"subject_{suffix}"
        with self._told(str(template.filename)):
            try:
                line = "".join(template.blocks[name](template.new_context(dict(words))))
            except Exception:
                self._environment.handle_exception()  # the same again, with lines of the template
        printable = "".join(sign if sign.isprintable() else " " for sign in line)
        if not printable.strip():
            raise ConfigError([f"{template.filename}: {{% block {name} %}} is empty"])
        return " ".join(printable.split())

    def _body(self, template: Template, words: Mapping[str, object]) -> str:
        with self._told(str(template.filename)):
            body = template.render(words)
        lines = "\n".join(line.rstrip() for line in body.strip().splitlines())
        return _BLANK_LINES.sub("\n\n", lines) + "\n"

    # -- faults ------------------------------------------------------------------------------------------
    def _unknown_words(self, name: str, words: frozenset[str]) -> list[str]:
        with self._told(name):
            loader = self._environment.loader
            assert loader
            try:
                source, path, _ = loader.get_source(self._environment, name)
            except TemplateNotFound:
                if name.endswith(".html") and name not in SHARED:
                    return []  # the mail has no HTML
                raise
            tree = self._environment.parse(source, name, path)
        known = words | _named_in(tree) | _OF_JINJA | self._environment.globals.keys()
        return [
            f"{path}:{node.lineno}: there is no variable {node.name}; there are {', '.join(sorted(words))}"
            for node in tree.find_all(nodes.Name)
            if node.ctx == "load" and node.name not in known
        ]

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Whatever a template does wrong is the administrator's to mend. Values are not told: they may be a
        person's."""
        try:
            yield
        except TemplateSyntaxError as error:
            raise ConfigError([f"{error.filename or name}:{error.lineno}: {error.message}"]) from None
        except TemplateNotFound as error:
            raise ConfigError([f"{self._place(name, error)}: there is no template {error.name}"]) from None
        except TemplateError as error:
            raise ConfigError([f"{self._place(name, error)}: {error.message}"]) from None
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise ConfigError([f"{name}: cannot be read: {why}"]) from None
        except Exception as error:
            raise ConfigError([f"{self._place(name, error)}: fails with {type(error).__name__}"]) from None

    def _place(self, name: str, error: Exception) -> str:
        """File and line: the innermost frame that lies in a template."""
        frames = traceback.extract_tb(error.__traceback__)
        ours = [f for f in frames if Path(f.filename).parent in self._folders]
        return f"{ours[-1].filename}:{ours[-1].lineno}" if ours else name


def _present(value: Any) -> Any:
    """Nothing is not printed as a word."""
    if value is None:
        raise UndefinedError("a value is printed that this mail does not have (None)")
    return value


def _named_in(tree: nodes.Template) -> set[str]:
    """Names that the template itself gives: set, loops, macros, imports."""
    named = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    named |= {macro.name for macro in tree.find_all(nodes.Macro)}
    named |= {node.target for node in tree.find_all(nodes.Import)}
    for node in tree.find_all(nodes.FromImport):
        named |= {name if isinstance(name, str) else name[1] for name in node.names}
    return named
