"""The shipped alert rules and the dashboard: sound, and about metrics that there are."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from provisiond.portal_monitoring import PortalMetrics, PortalMonitoring
from provisiond.ports.tally import Tried
from tests.rigs.watched import everything

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "config" / "monitoring"
RULES, DASHBOARD = SHIPPED / "alerts.yml", SHIPPED / "dashboard.json"


def promtool(*words: str, given: str = "") -> None:
    """Prometheus' own judge; .ci/packages names its package."""
    done = subprocess.run(
        ["promtool", *words], input=given, capture_output=True, text=True, check=False, timeout=60, cwd=HERE
    )
    assert done.returncode == 0, done.stdout + done.stderr


def portal_page() -> str:
    """With at least one value of every metric."""
    told = PortalMetrics()
    told.answered("/login", 200, 0.1)
    told.tried("login", Tried.WRONG)
    told.activated()
    told.away("directory")
    page = PortalMonitoring(told.registry, lambda: True, list).metrics_page()
    return page.body.decode()


def exposed() -> set[str]:
    text = everything().page("/metrics")[1] + portal_page()
    return set(re.findall(r"^(\w+)", text, re.MULTILINE))


def named(path: Path) -> set[str]:
    if path is DASHBOARD:
        panels = json.loads(path.read_text())["panels"]
        text = "\n".join(target["expr"] for panel in panels for target in panel["targets"])
    else:
        text = "\n".join(re.findall(r"expr: (.+)", path.read_text()))
    return set(re.findall(r"\b(?:provisiond|process)_\w+", text))


def test_the_rules_are_sound() -> None:
    promtool("check", "rules", "--lint-fatal", str(RULES))


def test_the_rules_fire_when_they_should_and_only_then() -> None:
    promtool("test", "rules", "alerts_test.yml")


def test_the_metrics_are_as_prometheus_wants_them() -> None:
    promtool("check", "metrics", given=everything().page("/metrics")[1])
    promtool("check", "metrics", given=portal_page())


@pytest.mark.parametrize("path", [RULES, DASHBOARD], ids=["rules", "dashboard"])
def test_every_metric_that_is_asked_for_exists(path: Path) -> None:
    assert len(named(path)) > 10
    assert named(path) <= exposed()


def test_every_metric_of_ours_is_shown() -> None:
    """What nobody looks at need not be counted."""
    ours = {name for name in exposed() if name.startswith("provisiond_")}
    told = {name for name in ours if not name.endswith(("_created", "_sum", "_count"))}
    assert told <= named(RULES) | named(DASHBOARD)


def test_every_alert_says_what_to_do() -> None:
    text = RULES.read_text()
    alerts = text.split("- alert: ")[1:]
    assert all("action:" in alert and "summary:" in alert and "severity:" in alert for alert in alerts)
    names = [alert.split("\n", 1)[0] for alert in alerts]
    assert all(name in (HERE / "alerts_test.yml").read_text() for name in names)
