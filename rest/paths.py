"""Paths by their segments: each is percent-decoded once and by itself, so that `%2F` is a slash inside its segment."""

import re
from urllib.parse import quote, unquote, unquote_to_bytes

_MALFORMED = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PLAIN_IN_SEGMENT = "!$&'()*+,;=:@"
"""What may stand in a segment as it is (RFC 3986, `pchar`), besides letters, digits and `-._~`."""
_UNDECODABLE = "\ud800"


def routed(raw_path: bytes) -> str:
    """The path by which routes are found: only what must be is percent-encoded, in one way.

    `%63oupon` is `coupon`, as RFC 3986 has it, while `a%2Fb` stays one segment. A segment that is not UTF-8, or is
    wrongly encoded, stays as it came.
    """
    return "/".join(_routed(segment) for segment in raw_path.decode("latin-1").split("/"))


def _routed(segment: str) -> str:
    if "%" not in segment:
        return segment
    try:
        decoded = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        return segment
    return segment if _MALFORMED.search(segment) else quote(decoded, safe=_PLAIN_IN_SEGMENT)


def decoded(segment: str) -> str:
    """What a segment of a routed path stands for.

    Where it cannot be decoded the text holds a lone surrogate, which no reader of texts takes: who may call is judged
    before that.
    """
    if "%" not in segment:
        return segment
    return unquote(_MALFORMED.sub(_UNDECODABLE, segment), errors="surrogateescape")
