"""The console for admins: static files at `/console`, which set-up builds from `console/`."""

from server.console.pages import console_routes

__all__ = ["console_routes"]
