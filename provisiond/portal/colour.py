"""The university's colour: whether text can be read on it, and its lighter sister for dark pages
(WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re

READABLE = 4.5
_LIGHT, _DARK = "#ffffff", "#15181d"


def contrast(one: str, other: str) -> float:
    """From 1 to 21.

    >>> round(contrast("#000000", "#ffffff"))
    21
    """
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def accent(text: str) -> str:
    """#rrggbb on which white can be read. Raises ValueError, with a sentence."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError('must be a colour such as "#1c4f82"')
    found = contrast(text, _LIGHT)
    if found < READABLE:
        raise ValueError(
            f"is too light: white text on it has a contrast of {found:.1f} to 1; {READABLE} is needed"
        )
    return text.lower()


def style(colour: str) -> str:
    """What portal.css begins with."""
    return f":root {{ --accent: {colour}; --accent-light: {lightened(colour)}; }}"


def lightened(colour: str) -> str:
    """Mixed with white until it can be read on a dark page."""
    made = colour
    for percent in range(0, 101, 5):
        made = _mixed(colour, percent / 100)
        if contrast(made, _DARK) >= 7:
            break
    return made


def _mixed(colour: str, white: float) -> str:
    return "#" + "".join(f"{round(part + (255 - part) * white):02x}" for part in _parts(colour))


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
