"""What is kept of a User-Agent header: words of ours, whatever stood in it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from provisiond.domain.model import Language
from provisiond.portal import devices
from provisiond.portal.language import speeches

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "kept"),
    [
        ("Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", "Firefox/Android"),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36",
            "Chrome/Android",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            "Samsung Internet/Android",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {APPLE} Version/26.0 Mobile/15E148 Safari/604.1",
            "Safari/iPhone",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {APPLE} CriOS/142.0 Mobile/15E148 Safari/604.1",
            "Chrome/iPhone",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
            "Edge/Windows",
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/26.0 Safari/605.1.15",
            "Safari/Mac",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox/Linux"),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/142.0.0.0 Safari/537.36",
            "Chrome/ChromeOS",
        ),
        ("Mozilla/5.0 (Windows NT 10.0; rv:1.0) Unheard-of/1.0", "/Windows"),
        ('"><script>alert(1)</script> Firefox/999999.1', "Firefox/"),
        ("curl/8.14.1", "/"),
        ("", "/"),
    ],
)
def test_a_browser_is_known_by_its_kind_and_system_only(user_agent: str, kept: str) -> None:
    """No version, no model, nothing that was made up."""
    assert devices.word(user_agent) == kept


@pytest.mark.parametrize(
    ("kept", "english", "chinese"),
    [
        ("Firefox/Android", "Firefox on Android", "Android 上的 Firefox"),
        ("Firefox/", "Firefox", "Firefox"),
        ("/Mac", "Another browser on Mac", "Mac 上的其他瀏覽器"),
        ("/", "Another browser", "其他瀏覽器"),
        ("", "Another browser", "其他瀏覽器"),
    ],
)
def test_it_is_told_in_both_languages(kept: str, english: str, chinese: str) -> None:
    say = speeches(ZoneInfo("Asia/Hong_Kong"))
    assert say[Language.ENGLISH].say(devices.named(kept)) == english
    assert say[Language.CHINESE].say(devices.named(kept)) == chinese
