"""Every page of log-in and self-service, in one list."""

from __future__ import annotations

from provisiond.portal.account import (
    account_pages,
    codes_pages,
    contact_pages,
    log_in_pages,
    log_ins_pages,
    lost_pages,
    name_pages,
    security_pages,
)
from provisiond.portal.application import Page

PAGES: tuple[Page, ...] = (
    *log_in_pages.PAGES,
    *account_pages.PAGES,
    *contact_pages.PAGES,
    *name_pages.PAGES,
    *security_pages.PAGES,
    *log_ins_pages.PAGES,
    *codes_pages.PAGES,
    *lost_pages.PAGES,
)
