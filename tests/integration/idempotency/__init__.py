"""Idempotency keys: one change and one answer for each."""
