"""Logs: one JSON object a line on standard error."""

import logging
import logging.config
from pathlib import Path
from traceback import extract_tb

from pythonjsonlogger.core import RESERVED_ATTRS

_ROOT = Path(__file__).parents[1]


def unexpected(fault: BaseException) -> str:
    """A sentence about a fault that nobody has thought of: what it is and where, without what it says.

    That may show a value, and so a secret.
    """
    frames = [frame for frame in extract_tb(fault.__traceback__) if Path(frame.filename).is_relative_to(_ROOT)]
    ours = [frame for frame in frames if "site-packages" not in frame.filename]
    place = f" at {Path(ours[-1].filename).relative_to(_ROOT)}:{ours[-1].lineno}" if ours else ""
    return f"Something went wrong that nobody has thought of: {type(fault).__name__}{place}. LOG_LEVEL=debug tells all."


def configure_logs(level: str) -> None:
    """Log as JSON at `level`. Uvicorn's access log is off: Tessera writes its own, without queries."""
    # What libraries tell of their own doing is for whoever debugs; drivers tell too much even then.
    told = "WARNING" if level == "info" else level.upper()
    quiet = "WARNING" if level in ("debug", "info") else level.upper()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    # By its factory: by its class only the format would reach it.
                    "()": "pythonjsonlogger.json.JsonFormatter",
                    "fmt": "%(levelname)s %(name)s %(message)s",
                    "rename_fields": {"levelname": "level", "name": "logger"},
                    "timestamp": "time",
                    # Uvicorn's, in the colours of a terminal.
                    "reserved_attrs": [*RESERVED_ATTRS, "color_message"],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level.upper()},
            "loggers": {
                "uvicorn": {"handlers": [], "propagate": True, "level": told},
                "aiokafka": {"level": told},
                "uvicorn.access": {"handlers": [], "propagate": False, "level": "CRITICAL"},
                "pymongo": {"level": quiet},
                # It logs the address of every question, and so ids of other services.
                "httpx": {"level": quiet},
            },
        }
    )
