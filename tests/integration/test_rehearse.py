"""The coming months and a changed configuration, looked at with the real command: nothing is written anywhere."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from provisiond.domain.errors import RejectedError
from tests.integration.conftest import Site

TODAY = date.today()  # noqa: DTZ011 - the rows below only have to lie in the past or in the time to come
ENDS = TODAY + timedelta(days=20)


def completing(site: Site) -> None:
    """Everybody who studies completes on a day to come; the ledger knows."""

    def change(row: dict[str, str]) -> None:
        if row["REG_STATUS"] == "REG":
            row |= {"REG_STATUS": "GRAD", "STATUS_DATE": ENDS.isoformat(), "EXP_END_DATE": ENDS.isoformat()}

    site.run("once")
    site.edit(change)
    site.run("once")


def changed_configuration(site: Site, before: str, then: str) -> Path:
    text = site.university.config.read_text("utf-8")
    assert before in text
    path = site.university.folder / "changed.toml"
    path.write_text(text.replace(before, then, 1), "utf-8")
    return path


def told(site: Site, *words: str) -> Any:
    return site.json("rehearse", "--until", (ENDS + timedelta(days=200)).isoformat(), *words)


def test_a_rehearsal_foretells_a_graduation_in_numbers_lines_and_pictures_and_writes_nothing(
    site: Site,
) -> None:
    completing(site)
    ledger = site.university.folder / "ledger.db"
    before = site.state(), hashlib.sha256(ledger.read_bytes()).hexdigest()
    png, svg = site.university.folder / "months.png", site.university.folder / "months.svg"
    foretold = told(site, "--plot", str(png))
    lines = site.run("rehearse", "--until", ENDS.isoformat(), "--plot", str(svg)).splitlines()
    assert (site.state(), hashlib.sha256(ledger.read_bytes()).hexdigest()) == before
    (begun,) = (day for day in foretold["days"] if day["grace_begun"])
    assert begun["day"] == ENDS.isoformat()
    total = foretold["total"]
    assert total["expiries"] == total["alumni"] == total["grace_begun"] > 5
    assert any("accepted" in sentence for sentence in foretold["assumed"])
    assert any(brake["brake"] == "completions" for brake in begun["brakes"])
    (line,) = (line for line in lines if line.startswith(ENDS.isoformat()))
    assert "grace-begun" in line.split("\t")[7] and "completions" in line.split("\t")[8]
    assert png.read_bytes().startswith(b"\x89PNG") and "grace-begun" in svg.read_text("utf-8")


def test_an_impossible_wish_is_refused_with_a_sentence(site: Site) -> None:
    said = site.run(
        "rehearse", "--until", ENDS.isoformat(), "--plot", "a.gif", expect=RejectedError.exit_code
    )
    assert ".png or .svg" in said
    site.run("rehearse", "--until", "2020-01-01", expect=RejectedError.exit_code)


def test_a_rehearsal_with_a_changed_configuration_says_whose_dates_move(site: Site) -> None:
    completing(site)
    changed = changed_configuration(
        site, "[entitlements.pending]", "[lifecycle]\ngrace_months = 6\n\n[entitlements.pending]"
    )
    foretold = told(site, "--with", str(changed))["with"]
    assert foretold["difference"]
    moved = {one["what"] for one in foretold["moved"]}
    assert moved == {"expiry", "alumni"}
    assert (
        sum(day["alumni"] for day in foretold["difference"])
        == foretold["total"]["alumni"] - told(site)["total"]["alumni"]
    )


def test_a_changed_configuration_is_checked_and_its_effect_shown_as_a_plan(site: Site) -> None:
    site.run("once")
    before = site.state()
    changed = changed_configuration(site, 'groups = ["students", "library"]', 'groups = ["students"]')
    said = site.run("check", "--against", str(changed), expect=65)
    assert "+ take uid=" in said and "out of cn=library" in said
    assert "brake:" in said and "lose access" in said
    assert site.state() == before
    same = changed_configuration(site, "[ledger]", "\n[ledger]")
    assert "other steps for 0 persons" in site.run("check", "--against", str(same))
    faulty = changed_configuration(site, 'groups = ["students", "library"]', 'groups = ["studnets"]')
    assert "studnets" in site.run("check", "--against", str(faulty), expect=78)
