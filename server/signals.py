"""Signals: which of them stop a process, and that none of the others does."""

import logging
import signal
import sys
from types import FrameType
from typing import NoReturn

STOPS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
PASSED_OVER = frozenset({signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2})

log = logging.getLogger("tessera.serve")


def take_signals() -> None:
    """No signal that is commonly sent ends this process without its drain, or with another exit code than 0.

    Uvicorn raises a signal again after it has drained for it; by then the work is done.
    """
    for number in PASSED_OVER:
        signal.signal(number, _pass_over)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    signal.signal(signal.SIGQUIT, _quit)


def _pass_over(number: int, frame: FrameType | None) -> None:
    log.info("signal passed over", extra={"signal": signal.Signals(number).name})


def _quit(number: int, frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGTERM)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    for one in (*STOPS, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)  # The work is done; another must not break into the way out.
    sys.exit(0)
