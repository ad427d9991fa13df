"""The media type of a body, as its headers declare it."""

from collections.abc import Sequence
from email.message import Message
from email.utils import collapse_rfc2231_value
from functools import lru_cache

from models.errors import UnsupportedMediaType

JSON = "application/json"
UTF_8 = ("", "utf-8", "utf8")


def require_json(content_types: Sequence[str], content_encodings: Sequence[str] = ()) -> None:
    """Raises `UnsupportedMediaType` unless these headers declare plain JSON in UTF-8, once. Parameters are ignored."""
    plain = all(encoding.strip().lower() in ("", "identity") for encoding in content_encodings)
    if len(content_types) != 1 or not plain or not _is_json(content_types[0]):
        raise UnsupportedMediaType()


@lru_cache(256)
def _is_json(content_type: str) -> bool:
    header = Message()
    header["Content-Type"] = content_type
    if header.get_content_type() != JSON:
        return False
    charsets = [value for name, value in header.get_params([]) if name.lower() == "charset"]
    return all(collapse_rfc2231_value(charset).strip().lower() in UTF_8 for charset in charsets)
