"""From what kind of device somebody logged in, as coarsely as its owner needs to tell it from others. Decides by a
few words of the User-Agent header, of which nothing else is kept; what a browser claims is believed for no other
end."""

from __future__ import annotations

from provisiond.portal.language import N_, Sentence

# What stands in the header, and what people call it. The first that fits: many name those that they descend from.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("MicroMessenger/", "WeChat"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),  # most say that they are a Mac
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def word(user_agent: str) -> str:
    """What is kept: `Firefox/Android`, either half empty where it is unknown."""
    return f"{_first(_BROWSERS, user_agent)}/{_first(_SYSTEMS, user_agent)}"


def named(kept: str) -> Sentence:
    """For a page."""
    browser, _, system = kept.partition("/")
    match bool(browser), bool(system):
        case True, True:
            return Sentence(N_("%(browser)s on %(system)s"), {"browser": browser, "system": system})
        case True, False:
            return Sentence("%(browser)s", {"browser": browser})
        case False, True:
            return Sentence(N_("Another browser on %(system)s"), {"system": system})
        case _:
            return Sentence(N_("Another browser"))


def _first(known: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for sign, name in known if sign in user_agent), "")
