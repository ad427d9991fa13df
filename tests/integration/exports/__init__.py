"""Exports: every family in every format, and how one begins, goes on and ends."""
