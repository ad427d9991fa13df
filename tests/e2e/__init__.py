"""Tessera from outside: its processes, the documentation, a browser, clients of npm."""
