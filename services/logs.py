"""Logs: one JSON object a line on standard error."""

import logging
import logging.config


def configure_logs(level: str) -> None:
    """Log as JSON at `level`. Uvicorn's access log is off: Tessera writes its own, without queries."""
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
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level.upper()},
            "loggers": {
                "uvicorn": {"handlers": [], "propagate": True},
                "uvicorn.access": {"handlers": [], "propagate": False, "level": "CRITICAL"},
                "pymongo": {"level": "WARNING"},
                # It logs the address of every question, and so ids of other services.
                "httpx": {"level": "WARNING"},
            },
        }
    )
