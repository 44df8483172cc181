"""Thousands of cycles log nothing."""

from __future__ import annotations

import pytest

from provisiond import logs


@pytest.fixture(autouse=True, scope="package")
def quiet() -> None:
    logs.configure(verbose=False)
