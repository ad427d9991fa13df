"""Totals and counters against the ledgers that they stand for."""
