"""The documentation is run: every example against the real application, every answer compared."""
