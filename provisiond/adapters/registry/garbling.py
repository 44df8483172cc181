"""Letters that were lost or changed in a wrong conversion before the text came to us."""

from __future__ import annotations

import re

# what bytes above 0x7f become when UTF-8 is read as cp1252 or Latin-1
_TAIL = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_MOJIBAKE = re.compile(f"[ÂÃÄÅ]{_TAIL}|[àáâãäåæçèéêëìíï]{_TAIL}{{2}}")
_LOST = "\ufffd"


def is_garbled(text: str) -> bool:
    return _LOST in text or _MOJIBAKE.search(text) is not None
