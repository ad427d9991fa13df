"""The drain: it begins with a signal, and what would go on without end ends with it."""

DRAINING = "draining"
"""The name, in the application's state, of the `asyncio.Event` that is set when the drain begins."""
