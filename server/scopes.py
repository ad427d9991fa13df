"""What is read of an ASGI scope without making more of it."""

from starlette.types import Scope


def values(scope: Scope, name: bytes) -> list[str]:
    """Returns all headers of this name (in lower case)."""
    return [value.decode("latin-1") for given, value in scope["headers"] if given == name]


def header(scope: Scope, name: bytes) -> bytes:
    """Returns the first header of this name, or nothing: for one or two the dictionary of them all is not worth it."""
    for given, value in scope["headers"]:
        if given == name:
            found: bytes = value
            return found
    return b""
