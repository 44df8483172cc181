"""A student who activates an account, and then logs in with a recovery code, through the web server of the machine
that this runs on: `new_student.py CA_FILE HOST STUDENT_ID HKID ACCOUNT_NAME PASSWORD`. visitor.py lies beside it; the
libraries are the package's. Prints JSON: the headings that were seen, and whether the daemon did its part."""

from __future__ import annotations

import json
import re
import sys
import time
from html import unescape

import pyotp
import urllib3
from visitor import Seen, Visitor  # type: ignore[import-not-found, unused-ignore]


def heading(page: Seen) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page.text, re.DOTALL)
    return unescape(found[1].strip()) if found else f"{page.status} {page.text[:200]}"


def code(page: Seen) -> str:
    key = re.search(r'<code id="copyable">([A-Z2-7 ]+)</code>', page.text)
    assert key, page.text
    return str(pyotp.TOTP(key[1].replace(" ", "")).now())


def finished(browser: Visitor) -> bool:
    """What the last page asks again and again."""
    for _ in range(60):
        if json.loads(browser.get("/activate/progress").text).get("done"):
            return True
        time.sleep(0.5)
    return False


def activated(browser: Visitor, student_id: str, number: str, password: str) -> tuple[list[Seen], str]:
    """The pages, and a recovery code."""
    seen = [browser.fill(browser.get("/activate"), accept="y")]
    seen.append(browser.fill(seen[-1], student_id=student_id, number=number))
    seen.append(browser.fill(browser.get("/activate/password"), password=password, again=password))
    phone = browser.get("/activate/factor")
    seen.append(browser.fill(phone, code=code(phone)))
    codes = re.findall(r"<li><code>([0-9a-z-]{19})</code></li>", seen[-1].text)
    seen.append(browser.fill(seen[-1]))
    return seen, codes[0]


def main(ca_file: str, host: str, student_id: str, number: str, name: str, password: str) -> None:
    pool = urllib3.PoolManager(
        retries=False, ca_certs=ca_file, server_hostname=host, assert_hostname=host, timeout=20
    )
    browser, again = (Visitor("https://127.0.0.1", host=host, pool=pool) for _ in range(2))
    seen, recovery = activated(browser, student_id, number, password)
    told = {"headings": [heading(page) for page in seen], "finished": finished(browser)}
    page = again.get("/login?with=recovery-code")
    told["logged_in"] = heading(again.fill(page, name=name, password=password, code=recovery))
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
