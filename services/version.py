"""Which version this is, where nothing is installed that could be asked: the image holds the code alone."""

VERSION = "1.0.0"
"""That of `pyproject.toml`, which a test compares."""
