"""What each of the portal's processes is made of, where there are several."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import structlog

from provisiond import bootstrap_portal, logs
from provisiond.adapters import web_workers
from provisiond.adapters.clock import SystemClock
from provisiond.domain.errors import ProvisiondError
from provisiond.portal.application import application
from provisiond.portal.site import PAGES
from provisiond.portal_monitoring import PortalMetrics
from provisiond.settings import PortalSettings

log = structlog.get_logger("provisiond.portal")


@dataclass(frozen=True, slots=True)
class PortalProcess:
    """Handed over with the settings that were read at the start: one that comes later is like the others, whatever
    stands in the file by then. `own`: the secret of our own looks."""

    settings: PortalSettings
    own: str = field(repr=False)

    def __call__(self) -> Any:
        """An ASGI application, in the new process."""
        logs.configure(verbose=True)
        web_workers.leave_with_parent()
        stack = ExitStack()
        try:
            opened = stack.enter_context(
                bootstrap_portal.opened(self.settings, SystemClock(), PortalMetrics())
            )
        except ProvisiondError as error:
            log.error("portal process not started", reason=str(error))
            sys.exit(web_workers.CANNOT_START)
        opened.desk.listings.warm()
        return application(opened.desk, PAGES, self.own, stack.close)
