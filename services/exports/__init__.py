"""Exports of all that is recorded."""
