"""Every page of the portal, in one list."""

from __future__ import annotations

from provisiond.portal import start
from provisiond.portal.account import views as account
from provisiond.portal.activation import views as activation
from provisiond.portal.application import Page
from provisiond.portal.directory import views as directory

PAGES: tuple[Page, ...] = (*start.PAGES, *activation.PAGES, *account.PAGES, *directory.PAGES)
