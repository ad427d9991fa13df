"""Clients of npm that Tessera did not write."""
