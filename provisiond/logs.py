"""Log events on stderr: JSON with priority and fields to systemd's journal, coloured lines on a terminal, plain
ones in a pipe. Events carry a person's ID, never personal data; what happened for ever is in the ledger's history."""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from provisiond import discretion
from provisiond.adapters import journal


def configure(*, verbose: bool) -> None:
    """Once, at the start of a process. Not verbose: a command tells its result itself, so nothing is logged."""
    to_journal = journal.reads(sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _marked_exception,
            discretion.without_values,
            discretion.discreet,
            *_written(to_journal),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if verbose else logging.CRITICAL),
        logger_factory=(lambda *_: journal.Journal())
        if to_journal
        else structlog.WriteLoggerFactory(file=sys.stderr),
    )
    logging.basicConfig(handlers=[_Libraries()], level=logging.WARNING, force=True)
    logging.captureWarnings(verbose)
    sys.excepthook = _uncaught
    threading.excepthook = lambda failed: _uncaught(
        failed.exc_type, failed.exc_value or failed.exc_type(), failed.exc_traceback
    )


def _written(to_journal: bool) -> list[Processor]:
    if to_journal:  # which knows the instant
        return [lambda _logger, _method, event: event]
    coloured = sys.stderr.isatty()
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.dev.ConsoleRenderer(colors=coloured, pad_event_to=30 if coloured else 0),
    ]


def _marked_exception(_logger: Any, method: str, event: EventDict) -> EventDict:
    """`exc_info=True`, or `log.exception`: the error that is being handled."""
    if event.get("exc_info") is True or (method == "exception" and "exc_info" not in event):
        event["exc_info"] = sys.exc_info()
    return event


class _Libraries(logging.Handler):
    """What libraries log, in our form, without their values."""

    def emit(self, record: logging.LogRecord) -> None:
        event = {"library": record.name, "exc_info": record.exc_info}
        structlog.get_logger().log(record.levelno, record.getMessage().strip(), **event)


def _uncaught(what: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An error of the program itself: kinds and places; its words may quote a person."""
    if issubclass(what, KeyboardInterrupt):
        return
    structlog.get_logger().critical("uncaught error", exc_info=(what, error, trace))
