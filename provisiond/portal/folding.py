"""What a template says is known when it is compiled: there is an environment for each language, so `_("text")` and
`static("file")` become what they stand for, once at start instead of at every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup


class FoldingEnvironment(Environment):
    """`known`: by name, functions of one text whose value never changes."""

    known: Mapping[str, Callable[[str], str]] = {}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        parsed = super()._parse(source, name, filename)
        return _Folding(self.known).visit(parsed)  # type: ignore[no-any-return]


class _Folding(NodeTransformer):
    def __init__(self, known: Mapping[str, Callable[[str], str]]) -> None:
        self._known = known

    def visit_Call(self, node: nodes.Call, *args: Any, **kwargs: Any) -> nodes.Node:  # noqa: N802 - Jinja's name
        self.generic_visit(node, *args, **kwargs)
        value = self._value(node)
        return node if value is None else nodes.Const(value, lineno=node.lineno)

    def _value(self, node: nodes.Call) -> str | None:
        plain = len(node.args) == 1 and not (node.kwargs or node.dyn_args or node.dyn_kwargs)
        if not plain or not isinstance(node.node, nodes.Name) or not isinstance(node.args[0], nodes.Const):
            return None
        known, text = self._known.get(node.node.name), node.args[0].value
        return known(text) if known and isinstance(text, str) else None


def said(gettext: Callable[[str], str]) -> Callable[[str], str]:
    """As Jinja's own newstyle `gettext` does where there are no values."""
    return lambda text: Markup(gettext(text)) % {}  # noqa: S704 - texts are ours
