"""Origins of web pages, in the one form in which browsers send them (RFC 6454, section 6.2)."""

import re
from ipaddress import IPv6Address
from urllib.parse import urlsplit

LOCAL_ORIGIN = re.compile(r"https?://(?:localhost|127\.0\.0\.1)(?::[0-9]{1,5})?")
"""What browsers call a page that this machine serves to itself, whatever the port."""

_LABEL = "[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def read_origin(raw: str) -> str:
    """`scheme://host[:port]` in lower case, without a default port.

    Raises `ValueError` for what no browser sends: a path, a wildcard, another scheme than http and https, a name of
    another script that is not written as it goes over the wire (`xn--…`).
    """
    parts = urlsplit(raw)
    port = parts.port
    if (
        parts.scheme not in _DEFAULT_PORTS
        or parts.path not in ("", "/")
        or "@" in parts.netloc
        or set(raw) & set("?#\\")
    ):
        raise ValueError(raw)
    host = _host(parts.hostname or "")
    named = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{named}"


def is_local_origin(origin: str) -> bool:
    """Returns whether a page is of `localhost` or 127.0.0.1, on any port."""
    return LOCAL_ORIGIN.fullmatch(origin) is not None


def _host(name: str) -> str:
    if ":" in name:
        return f"[{IPv6Address(name)}]"
    if not _NAME.fullmatch(name):
        raise ValueError(name)
    return name
