"""MongoDB URIs."""

from urllib.parse import urlsplit


def with_database(uri: str, database: str) -> str:
    """The same URI, naming this database."""
    return urlsplit(uri)._replace(path=f"/{database}").geturl()
