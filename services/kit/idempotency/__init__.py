"""Idempotency keys: their rows, the locks that requests hold, the results that are stored."""
